import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

test("SIGTERM lets the request under way finish and ends with 0; lines are JSON with severity and trace", async () => {
  const port = await freePort();
  const server = spawn(process.execPath, [fileURLToPath(new URL("../src/server.js", import.meta.url))], {
    env: { ...process.env, PORT: String(port), FAULT_LATENCY_MS: "400", GOOGLE_CLOUD_PROJECT: "demo", K_REVISION: "r-1" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = [];
  const output = createInterface({ input: server.stdout });
  output.on("line", (line) => lines.push(JSON.parse(line)));
  while (!lines.some((line) => line.message.startsWith("Server listening"))) await once(output, "line");

  const underWay = fetch(`http://127.0.0.1:${port}/`, { headers: { "x-cloud-trace-context": "abc/12;o=1" } });
  while (!lines.some((line) => line.message === "incoming request")) await once(output, "line");
  const exited = once(server, "exit");
  server.kill("SIGTERM");
  const answer = await underWay;
  assert.equal(answer.status, 200);
  assert.equal((await answer.json()).revision, "r-1");
  assert.deepEqual(await exited, [0, null]);
  const request = lines.find((line) => line.message === "incoming request");
  assert.equal(request.severity, "INFO");
  assert.equal(request["logging.googleapis.com/trace"], "projects/demo/traces/abc");
  assert.equal(request["logging.googleapis.com/spanId"], "12");
});
