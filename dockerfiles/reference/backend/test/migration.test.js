import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import pg from "pg";

import { migrate } from "../src/migration.js";
import { MIGRATIONS } from "../src/migrations.js";
import { PostgresStore } from "../src/store.js";
import { emptySchema, query, withoutDatabase } from "../testing/stores.js";

const NAMES = MIGRATIONS.map(({ name }) => name);
const silent = { warn() {} };
const options = { skip: withoutDatabase };
const message = (key) => ({ room: "lagos", author: "amina", text: "habari", key });

test("each migration is taken once, in order", options, async () => {
  const url = await emptySchema();
  assert.deepEqual(await migrate(url), NAMES);
  assert.deepEqual(await migrate(url), []);
  assert.deepEqual(
    (await query(url, "SELECT name FROM schema_migrations ORDER BY applied_at, name")).map(({ name }) => name),
    NAMES,
  );
});

test("instances that start together take turns", options, async () => {
  const url = await emptySchema();
  const taken = await Promise.all([1, 2, 3, 4].map(() => migrate(url)));
  assert.deepEqual(taken.flat(), NAMES);
});

test("a release of before goes on on what the next one added, and what it keeps is told of", options, async () => {
  const url = await emptySchema();
  const before = new PostgresStore(url, silent, { until: "0001-messages" });
  await before.prepare();
  const first = await before.add(message("before-the-migration"));
  const next = new PostgresStore(url, silent);
  await next.prepare();
  const second = await before.add(message("after-the-migration"));
  assert.deepEqual(await next.list("lagos", 0, 10), [first, second]);
  assert.deepEqual(await query(url, "SELECT message_id FROM notifications"), [{ message_id: String(second.id) }]);

  const started = new PostgresStore(url, silent, { until: "0001-messages" });
  await started.prepare();
  assert.deepEqual(await started.add(message("before-the-migration")), first);
  for (const store of [before, next, started]) await store.close();
});

test("a message sent again is told of once", options, async () => {
  const url = await emptySchema();
  const store = new PostgresStore(url, silent);
  await store.prepare();
  const kept = await store.add(message("sent-on-a-bad-line"));
  assert.deepEqual(await store.add(message("sent-on-a-bad-line")), kept);
  assert.equal((await query(url, "SELECT id FROM notifications")).length, 1);
  await store.close();
});

test("a contracting step, and all behind it, waits for who says that it may", options, async () => {
  const url = await emptySchema();
  const migrations = [
    ...MIGRATIONS,
    { name: "9001-without-authors", contracts: true, sql: "ALTER TABLE messages DROP COLUMN author" },
    { name: "9002-later", sql: "CREATE TABLE later (id INT)" },
  ];
  assert.deepEqual(await migrate(url, { migrations }), NAMES);
  assert.deepEqual(await migrate(url, { migrations, contracting: true }), ["9001-without-authors", "9002-later"]);
});

test("a step that fails leaves nothing of itself, and says its name", options, async () => {
  const url = await emptySchema();
  const migrations = [...MIGRATIONS, { name: "9001-broken", sql: "CREATE TABLE half (id INT); SELECT nonsense" }];
  await assert.rejects(migrate(url, { migrations }), /migration 9001-broken: .*nonsense/);
  assert.deepEqual(await query(url, "SELECT to_regclass('half') AS half"), [{ half: null }]);
  assert.deepEqual(await migrate(url), []);
});

test("a step does not make everybody wait behind a long transaction", options, async () => {
  const url = await emptySchema();
  await migrate(url, { until: "0001-messages" });
  const long = new pg.Client({ connectionString: url });
  await long.connect();
  await long.query("BEGIN; INSERT INTO messages (room, author, text, key) VALUES ('a', 'b', 'c', 'long-transaction')");
  await assert.rejects(migrate(url, { lockTimeoutMs: 50 }), /migration 0002-notifications: .*lock timeout/);
  await long.query("COMMIT");
  await long.end();
  assert.deepEqual(await migrate(url), ["0002-notifications"]);
});

test("an unknown last step is refused before the database is touched", async () => {
  await assert.rejects(migrate("postgresql://nobody@127.0.0.1:1/none", { until: "0000" }), /no migration 0000/);
});

test("the program tells what it took and ends with 0, or why not and ends with 1", options, async () => {
  const url = await emptySchema();
  const run = async (address) => {
    const program = fileURLToPath(new URL("../src/migrate.js", import.meta.url));
    const migrating = spawn(process.execPath, [program], { env: { ...process.env, DATABASE_URL: address } });
    let output = "";
    migrating.stdout.on("data", (data) => (output += data));
    const [status] = await once(migrating, "close");
    return [status, JSON.parse(output).severity, JSON.parse(output).message];
  };
  assert.deepEqual(await run(url), [0, "INFO", `migrated: ${NAMES.join(", ")}`]);
  assert.deepEqual(await run(url), [0, "INFO", "nothing to migrate"]);
  const [status, severity, why] = await run("postgresql://nobody@127.0.0.1:1/none");
  assert.deepEqual([status, severity], [1, "ERROR"]);
  assert.match(why, /ECONNREFUSED/);
});
