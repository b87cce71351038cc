// The store that the tests are given: in memory, or, where DATABASE_URL names a PostgreSQL, in a schema of its own there.

import pg from "pg";

import { MemoryStore, PostgresStore } from "../src/store.js";

const { DATABASE_URL } = process.env;

/** A reason to skip what needs PostgreSQL, or false. */
export const withoutDatabase = DATABASE_URL ? false : "DATABASE_URL names no PostgreSQL";

let made = 0;

/** A connection string of an empty schema. */
export async function emptySchema() {
  const name = `test_${process.pid}_${made++}`;
  await query(DATABASE_URL, `CREATE SCHEMA ${name}`);
  const url = new URL(DATABASE_URL.replace("@/", "@localhost/"));
  url.searchParams.set("options", `-c search_path=${name}`);
  return url.href;
}

/** An empty store, ready. */
export async function newStore() {
  if (withoutDatabase) return new MemoryStore();
  const store = new PostgresStore(await emptySchema(), { warn() {} });
  await store.prepare();
  return store;
}

export async function query(url, sql, parameters = []) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql, parameters)).rows;
  } finally {
    await client.end();
  }
}
