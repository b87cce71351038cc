// Brings a database to what a release needs: each step once, in order, in a transaction of its own.

import pg from "pg";

import { MIGRATIONS } from "./migrations.js";

const LOCK = 7_170_001; // whoever migrates holds it: instances that start together take turns
// Behind a long transaction a step would wait, and everybody else behind it. It fails instead, and the next start tries again.
const LOCK_TIMEOUT_MS = 5_000;

/**
 * Returns the names of the steps it took; none when there was nothing to do.
 * contracting: whether to take a step that removes what releases of before need; otherwise it ends in front of the first one.
 * until: the name of the last step to take, for a release of before; "" for all. What later releases did is left alone.
 */
export async function migrate(
  url,
  { contracting = false, until = "", migrations = MIGRATIONS, lockTimeoutMs = LOCK_TIMEOUT_MS } = {},
) {
  if (until && !migrations.some(({ name }) => name === until)) throw new Error(`there is no migration ${until}`);
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 3000 });
  await client.connect();
  try {
    await client.query("SELECT pg_advisory_lock($1)", [LOCK]);
    await client.query(
      "CREATE TABLE IF NOT EXISTS schema_migrations (name TEXT PRIMARY KEY, applied_at TIMESTAMPTZ NOT NULL DEFAULT now())",
    );
    const { rows } = await client.query("SELECT name FROM schema_migrations");
    const known = new Set(rows.map(({ name }) => name));
    const taken = [];
    for (const { name, sql, contracts } of migrations) {
      if (!known.has(name)) {
        if (contracts && !contracting) break;
        await step(client, name, sql, lockTimeoutMs);
        taken.push(name);
      }
      if (name === until) break;
    }
    return taken;
  } finally {
    await client.end(); // and with the session the lock
  }
}

async function step(client, name, sql, lockTimeoutMs) {
  await client.query("BEGIN");
  try {
    await client.query(`SET LOCAL lock_timeout = ${lockTimeoutMs}`);
    await client.query(sql);
    await client.query("INSERT INTO schema_migrations (name) VALUES ($1)", [name]);
    await client.query("COMMIT");
  } catch (error) {
    await client.query("ROLLBACK");
    throw new Error(`migration ${name}: ${error.message}`, { cause: error });
  }
}
