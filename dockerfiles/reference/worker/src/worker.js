// The process: takes one notification after the other until it is told to end, and finishes the one it has.

import { setTimeout as sleep } from "node:timers/promises";

import { post } from "./delivery.js";
import { Queue } from "./queue.js";

const END_WITHIN_MS = 9_000; // Cloud Run kills ten seconds after SIGTERM

const { DATABASE_URL, PUSH_URL, POLL_MS = "1000" } = process.env;
const say = (severity, message, fields) =>
  console.log(JSON.stringify({ severity, message, time: new Date().toISOString(), ...fields }));

for (const [name, value] of Object.entries({ DATABASE_URL, PUSH_URL })) {
  if (!value) {
    say("CRITICAL", `${name} is not set`);
    process.exit(1);
  }
}

const ending = new AbortController();
for (const signal of ["SIGTERM", "SIGINT"]) {
  process.once(signal, () => {
    say("INFO", `${signal}: finishing what is under way`);
    setTimeout(() => process.exit(1), END_WITHIN_MS).unref();
    ending.abort();
  });
}

async function deliver(notification) {
  try {
    await post(PUSH_URL, notification);
    say("INFO", "delivered", { notification: notification.id });
  } catch (error) {
    say("WARNING", `not delivered: ${error.message}`, { notification: notification.id });
    throw error;
  }
}

const queue = new Queue(DATABASE_URL);
try {
  await queue.open((error) => say("ERROR", `the database connection was lost: ${error.message}`));
  say("INFO", "taking work");
  while (!ending.signal.aborted) {
    if (await queue.takeOne(deliver)) continue;
    await sleep(Number(POLL_MS), undefined, { signal: ending.signal }).catch(() => {});
  }
  await queue.close();
  say("INFO", "ended");
} catch (error) {
  say("CRITICAL", error.message); // what runs it starts it again
  process.exit(1);
}
