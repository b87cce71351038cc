// On the schema the backend's own migrations make, with a push service that listens, and the worker as a process.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import pg from "pg";

import { MIGRATIONS } from "../../backend/src/migrations.js";
import { Queue } from "../src/queue.js";

const { DATABASE_URL } = process.env;
const options = { skip: DATABASE_URL ? false : "DATABASE_URL names no PostgreSQL" };
const PROGRAM = fileURLToPath(new URL("../src/worker.js", import.meta.url));
let made = 0;

/** A database with these messages, each to be told of: {url, query(sql), close()}. */
async function databaseWith(...texts) {
  const url = new URL(DATABASE_URL.replace("@/", "@localhost/"));
  const schema = `worker_${process.pid}_${made++}`;
  const client = new pg.Client({ connectionString: DATABASE_URL });
  await client.connect();
  await client.query(`CREATE SCHEMA ${schema}; SET search_path = ${schema}`);
  for (const { sql } of MIGRATIONS) await client.query(sql);
  for (const text of texts) {
    await client.query("INSERT INTO messages (room, author, text, key) VALUES ('lagos', 'amina', $1, $1)", [text]);
  }
  url.searchParams.set("options", `-c search_path=${schema}`);
  return { url: url.href, query: async (sql) => (await client.query(sql)).rows, close: () => client.end() };
}

/** Answers each request with what `answer(body, headers)` resolves with, a status. */
async function pushService(answer) {
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const part of request) body += part;
    response.writeHead(await answer(JSON.parse(body), request.headers)).end();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return { url: `http://127.0.0.1:${server.address().port}/`, close: () => server.close() };
}

/** The process, with `until(text)`: resolves when it has logged such a message. */
function working(environment) {
  const worker = spawn(process.execPath, [PROGRAM], {
    env: { ...process.env, POLL_MS: "20", ...environment },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = [];
  const output = createInterface({ input: worker.stdout }).on("line", (line) => lines.push(JSON.parse(line)));
  const until = async (text) => {
    while (!lines.some(({ message }) => message.includes(text))) await once(output, "line");
  };
  return { worker, until, exited: once(worker, "exit") };
}

test("everything is delivered once by two workers, with a key for who hears it twice", options, async () => {
  const texts = Array.from({ length: 30 }, (_, index) => `message ${index}`);
  const database = await databaseWith(...texts);
  const heard = [];
  const service = await pushService(async ({ text }, headers) => {
    heard.push([text, headers["idempotency-key"]]);
    return 204;
  });
  const queues = [new Queue(database.url), new Queue(database.url)];
  const { post } = await import("../src/delivery.js");
  for (const queue of queues) await queue.open((error) => assert.fail(error));
  const empty = async (queue) => {
    while (await queue.takeOne((notification) => post(service.url, notification)));
  };
  await Promise.all(queues.map(empty));
  assert.deepEqual(heard.map(([text]) => text).sort(), [...texts].sort());
  assert.equal(new Set(heard.map(([, key]) => key)).size, texts.length);
  for (const queue of queues) await queue.close();
  service.close();
  await database.close();
});

test("SIGTERM lets the delivery under way finish, takes no other and ends with 0", options, async () => {
  const database = await databaseWith("under way", "the next");
  let arrived, release;
  const underWay = new Promise((resolve) => (arrived = resolve));
  const released = new Promise((resolve) => (release = resolve));
  const service = await pushService(async () => {
    arrived();
    await released;
    return 204;
  });
  const { worker, until, exited } = working({ DATABASE_URL: database.url, PUSH_URL: service.url });
  await underWay;
  worker.kill("SIGTERM");
  await until("SIGTERM");
  release();
  assert.deepEqual(await exited, [0, null]);
  const left = await database.query(
    "SELECT text FROM messages m JOIN notifications n ON n.message_id = m.id WHERE delivered_at IS NULL",
  );
  assert.deepEqual(left, [{ text: "the next" }]);
  service.close();
  await database.close();
});

test("a worker without work ends at once", options, async () => {
  const database = await databaseWith();
  const { worker, until, exited } = working({ DATABASE_URL: database.url, PUSH_URL: "http://127.0.0.1:1", POLL_MS: "60000" });
  await until("taking work");
  worker.kill("SIGTERM");
  assert.deepEqual(await exited, [0, null]);
  await database.close();
});

test("what a killed worker had taken is due as before", options, async () => {
  const database = await databaseWith("taken");
  let arrived;
  const underWay = new Promise((resolve) => (arrived = resolve));
  const service = await pushService(async () => {
    arrived();
    return new Promise(() => {});
  });
  const { worker, exited } = working({ DATABASE_URL: database.url, PUSH_URL: service.url });
  await underWay;
  worker.kill("SIGKILL");
  await exited;
  const queue = new Queue(database.url);
  await queue.open((error) => assert.fail(error));
  const taken = [];
  while (!(await queue.takeOne(async ({ text }) => taken.push(text)))); // until the server has seen that the session is gone
  assert.deepEqual(taken, ["taken"]);
  await queue.close();
  service.close();
  await database.close();
});

test("what is not taken comes again later, and is given up in the end", options, async () => {
  const database = await databaseWith("unwanted");
  const queue = new Queue(database.url);
  await queue.open((error) => assert.fail(error));
  const refuse = async () => {
    throw new Error("the push service answered 503");
  };
  const waits = [];
  while (await queue.takeOne(refuse)) {
    assert.equal(await queue.takeOne(refuse), false, "it came again at once");
    const [{ wait }] = await database.query("SELECT round(extract(epoch FROM due_at - now()))::int AS wait FROM notifications");
    waits.push(wait);
    await database.query("UPDATE notifications SET due_at = now()");
  }
  const [row] = await database.query("SELECT attempts, given_up_at IS NOT NULL AS over, delivered_at FROM notifications");
  assert.deepEqual(row, { attempts: 5, over: true, delivered_at: null });
  assert.deepEqual(waits.slice(0, 4), [5, 30, 120, 600]);
  await queue.close();
  await database.close();
});

test("a worker that is told too little says what, and ends with 1", async () => {
  const { until, exited } = working({ DATABASE_URL: "", PUSH_URL: "http://127.0.0.1:1" });
  await until("DATABASE_URL is not set");
  assert.deepEqual(await exited, [1, null]);
});
