import assert from "node:assert/strict";
import { test } from "node:test";

import { faultsOf } from "../lib/faults.js";
import { Outbox } from "../lib/outbox.js";
import { waitBefore } from "../lib/reconnect.js";

function storage(kept = {}) {
  return { getItem: (name) => kept[name] ?? null, setItem: (name, value) => (kept[name] = value), kept };
}

const message = (key) => ({ author: "amina", text: key, key });

test("messages are sent in order and leave the outbox one by one", async () => {
  const sent = [];
  const outbox = new Outbox(storage(), async (one) => (sent.push(one.key), { ...one, id: sent.length }));
  outbox.add(message("first"));
  outbox.add(message("second"));
  const { kept } = await outbox.flush();
  assert.deepEqual(sent, ["first", "second"]);
  assert.deepEqual(kept.map(({ id }) => id), [1, 2]);
  assert.deepEqual(outbox.waiting, []);
});

test("what a lost line did not carry waits, also in the next page", async () => {
  const kept = storage();
  const outbox = new Outbox(kept, async ({ key }) => {
    if (key === "second") throw new Error("no line");
    return {};
  });
  for (const key of ["first", "second", "third"]) outbox.add(message(key));
  await outbox.flush();
  const next = new Outbox(kept, async (one) => one);
  assert.deepEqual(next.waiting.map(({ key }) => key), ["second", "third"]);
  assert.equal((await next.flush()).kept.length, 2);
});

test("what the backend refuses is given back and does not stand in the way of the others", async () => {
  const outbox = new Outbox(storage(), async (one) => {
    if (one.key === "bad") throw Object.assign(new Error("status 400"), { refused: true });
    return one;
  });
  outbox.add(message("bad"));
  outbox.add(message("good"));
  const { kept, refused } = await outbox.flush();
  assert.deepEqual([kept, refused].map((messages) => messages.map(({ key }) => key)), [["good"], ["bad"]]);
  assert.deepEqual(outbox.waiting, []);
});

test("two flushes at a time send nothing twice", async () => {
  const sent = [];
  const outbox = new Outbox(storage(), async ({ key }) => void sent.push(key));
  outbox.add(message("once"));
  await Promise.all([outbox.flush(), outbox.flush()]);
  assert.deepEqual(sent, ["once"]);
});

test("what the backend was seen to have is not sent again, although its answer was lost", async () => {
  const sent = [];
  const outbox = new Outbox(storage(), async ({ key }) => void sent.push(key));
  for (const key of ["arrived", "lost"]) outbox.add(message(key));
  outbox.forget(["arrived", "somebody else's"]);
  await outbox.flush();
  assert.deepEqual(sent, ["lost"]);
});

test("a store that cannot be read is an empty outbox", () => {
  for (const text of ["{", "7", "null"]) assert.deepEqual(new Outbox(storage({ "pushnchat.outbox": text })).waiting, []);
});

test("reconnecting waits longer each time, never above a minute, and spreads", () => {
  for (let attempt = 0; attempt < 40; attempt++) {
    const [least, most] = [waitBefore(attempt, 0), waitBefore(attempt, 0.999)];
    assert.ok(least >= 500 && most <= 60_000 && least < most);
    if (attempt) assert.ok(least >= waitBefore(attempt - 1, 0));
  }
});

test("a fault that means nothing is refused by its name", () => {
  assert.deepEqual(faultsOf({}), { errorRate: 0, latencyMs: 0 });
  assert.deepEqual(faultsOf({ FAULT_ERROR_RATE: "0.5", FAULT_LATENCY_MS: "200" }), { errorRate: 0.5, latencyMs: 200 });
  assert.throws(() => faultsOf({ FAULT_ERROR_RATE: "2" }), /FAULT_ERROR_RATE: must be a number from 0 to 1/);
  assert.throws(() => faultsOf({ FAULT_LATENCY_MS: "soon" }), /FAULT_LATENCY_MS/);
});
