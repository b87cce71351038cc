// The process: settings from the environment, one listener, and an orderly end.

import { setTimeout as sleep } from "node:timers/promises";

import { buildApp } from "./app.js";
import { MemoryStore, PostgresStore } from "./store.js";

const LEAVE_MS = 1_000; // for clients to learn that their connection ends with its next answer
const END_WITHIN_MS = 9_000; // Cloud Run kills ten seconds after SIGTERM

const {
  DATABASE_URL,
  GOOGLE_CLOUD_PROJECT = "",
  HOST = "0.0.0.0",
  K_REVISION = "local",
  LOG_LEVEL = "info",
  MIGRATE_UNTIL = "",
  PORT = "8080",
} = process.env;

const log = { warn: (fields, message) => console.log(JSON.stringify({ severity: "WARNING", message, ...fields })) };
const store = DATABASE_URL ? new PostgresStore(DATABASE_URL, log, { until: MIGRATE_UNTIL }) : new MemoryStore();
const app = await buildApp({
  store,
  revision: K_REVISION,
  project: GOOGLE_CLOUD_PROJECT,
  logLevel: LOG_LEVEL,
  faults: { errorRate: Number(process.env.FAULT_ERROR_RATE ?? 0), latencyMs: Number(process.env.FAULT_LATENCY_MS ?? 0) },
});

for (const signal of ["SIGTERM", "SIGINT"]) {
  process.once(signal, async () => {
    app.log.info(`${signal}: draining`);
    setTimeout(() => process.exit(1), END_WITHIN_MS).unref();
    app.drain();
    await sleep(LEAVE_MS); // a connection closed now would be closed under the next request on it
    await app.close();
    process.exit(0);
  });
}

await store.prepare();
await app.listen({ host: HOST, port: Number(PORT) });
