// Where messages are kept. Both stores promise the same, and the same tests run on both.

import pg from "pg";

import { migrate } from "./migration.js";

/**
 * In PostgreSQL. url: a connection string; a lost connection is an error of the call, not of the process.
 * until: the last migration this release knows, "" for all.
 */
export class PostgresStore {
  #pool;
  #migrate;

  constructor(url, log, { until = "" } = {}) {
    this.#migrate = () => migrate(url, { until });
    this.#pool = new pg.Pool({ connectionString: url, max: 5, connectionTimeoutMillis: 3000, query_timeout: 5000 });
    this.#pool.on("error", (error) => log.warn({ error: error.message }, "an idle database connection was lost"));
  }

  /** Takes the expanding migrations that are missing: releases of before go on on what they add to. */
  async prepare() {
    await this.#migrate();
  }

  /** Rejects when the database does not answer. */
  async check() {
    await this.#pool.query("SELECT 1");
  }

  /** key: chosen by the sender, so that a message sent again on a bad line is kept once. Returns the one kept. */
  async add({ room, author, text, key }) {
    const { rows } = await this.#pool.query(
      `INSERT INTO messages (room, author, text, key) VALUES ($1, $2, $3, $4)
       ON CONFLICT (key) DO UPDATE SET key = EXCLUDED.key
       RETURNING id, room, author, text, key, sent_at`,
      [room, author, text, key],
    );
    return shown(rows[0]);
  }

  /** Messages of a room with a higher id than `after`, oldest first. */
  async list(room, after, limit) {
    const { rows } = await this.#pool.query(
      "SELECT id, room, author, text, key, sent_at FROM messages WHERE room = $1 AND id > $2 ORDER BY id LIMIT $3",
      [room, after, limit],
    );
    return rows.map(shown);
  }

  async close() {
    await this.#pool.end();
  }
}

function shown(row) {
  const { id, room, author, text, key, sent_at: sentAt } = row;
  return { id: Number(id), room, author, text, key, sentAt: sentAt.toISOString() };
}

/** In memory, for a machine without a database: what it holds ends with the process. */
export class MemoryStore {
  #messages = [];
  #byKey = new Map();

  async prepare() {}

  async check() {}

  async add({ room, author, text, key }) {
    const known = this.#byKey.get(key);
    if (known) return known;
    const message = { id: this.#messages.length + 1, room, author, text, key, sentAt: new Date().toISOString() };
    this.#messages.push(message);
    this.#byKey.set(key, message);
    return message;
  }

  async list(room, after, limit) {
    return this.#messages.filter((message) => message.room === room && message.id > after).slice(0, limit);
  }

  async close() {}
}
