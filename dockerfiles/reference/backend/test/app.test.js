import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";

import WebSocket from "ws";

import { buildApp } from "../src/app.js";
import { MemoryStore } from "../src/store.js";
import { newStore } from "../testing/stores.js";

const message = { author: "amina", text: "habari", key: "0123456789ab" };

async function served(options = {}) {
  const app = await buildApp({ store: await newStore(), revision: "backend-1", logLevel: "silent", ...options });
  await app.listen({ host: "127.0.0.1", port: 0 });
  return { app, uri: `http://127.0.0.1:${app.server.address().port}` };
}

function post(uri, body, room = "lagos") {
  return fetch(`${uri}/rooms/${room}/messages`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
}

test("a message is kept once, however often a bad line sends it", async () => {
  const { app, uri } = await served();
  const first = await (await post(uri, message)).json();
  const again = await post(uri, message);
  assert.equal(again.status, 201);
  assert.deepEqual(await again.json(), first);
  const { messages } = await (await fetch(`${uri}/rooms/lagos/messages`)).json();
  assert.deepEqual(messages, [first]);
  const later = await (await fetch(`${uri}/rooms/lagos/messages?after=${first.id}`)).json();
  assert.deepEqual(later.messages, []);
  await app.close();
});

test("what is wrong is refused by its field", async () => {
  const { app, uri } = await served();
  for (const [body, field] of [
    [{ ...message, text: "" }, "text"],
    [{ author: "amina", text: "habari" }, "key"],
    [{ ...message, author: 7, text: [] }, "text"],
  ]) {
    const answer = await post(uri, body);
    assert.equal(answer.status, 400);
    assert.match((await answer.json()).message, new RegExp(field));
  }
  assert.equal((await post(uri, message, "No!")).status, 400);
  await app.close();
});

test("ready means that the database answers and that nobody is leaving", async () => {
  class Broken extends MemoryStore {
    async check() {
      throw new Error("connection refused");
    }
  }
  const broken = await served({ store: new Broken() });
  const refused = await fetch(`${broken.uri}/health/ready`);
  assert.equal(refused.status, 503);
  assert.match((await refused.json()).reason, /connection refused/);
  assert.equal((await fetch(`${broken.uri}/health/live`)).status, 200);
  await broken.app.close();

  const { app, uri } = await served();
  const ready = await fetch(`${uri}/health/ready`);
  assert.equal(ready.status, 200);
  assert.equal(ready.headers.get("x-revision"), "backend-1");
  app.drain();
  assert.equal((await fetch(`${uri}/health/ready`)).status, 503);
  await app.close();
});

test("no socket outlives its time: it is asked to come back, to whatever revision serves then", async () => {
  const { app, uri } = await served({ socketLifeMs: 20 });
  const socket = new WebSocket(`${uri.replace("http", "ws")}/rooms/lagos/socket`);
  const heard = [];
  socket.on("message", (data) => heard.push(JSON.parse(data).type));
  const [code, reason] = await once(socket, "close");
  assert.deepEqual(heard, ["hello", "reconnect"]);
  assert.deepEqual([code, String(reason)], [1001, "the socket is old: reconnect"]);
  await app.close();
});

test("a socket hears its room alone, and is asked to reconnect when the instance ends", async () => {
  const { app, uri } = await served();
  const socket = new WebSocket(`${uri.replace("http", "ws")}/rooms/lagos/socket`);
  const heard = [];
  socket.on("message", (data) => heard.push(JSON.parse(data)));
  await once(socket, "message");
  await post(uri, { ...message, key: "another-room" }, "nairobi");
  await post(uri, message);
  while (heard.length < 2) await once(socket, "message");
  assert.deepEqual(
    heard.map((row) => row.type),
    ["hello", "message"],
  );
  assert.equal(heard[1].message.text, "habari");
  const closed = once(socket, "close");
  app.drain();
  const [code, reason] = await closed;
  assert.equal(code, 1001);
  assert.match(String(reason), /reconnect/);
  assert.equal(heard.at(-1).type, "reconnect");
  await app.close();
});

test("a release told to misbehave does, and its probes tell the truth", async () => {
  const { app, uri } = await served({ faults: { errorRate: 1 } });
  assert.equal((await fetch(uri)).status, 500);
  assert.equal((await fetch(`${uri}/health/ready`)).status, 200);
  await app.close();
});
