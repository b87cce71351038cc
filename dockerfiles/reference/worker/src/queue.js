// The backend's table `notifications` as a queue: what a worker has taken, no other
// sees, and what it does not finish it never had.

import pg from "pg";

const RETRY_SECONDS = [5, 30, 120, 600]; // after each attempt; behind the last one a notification is given up

/** url: a connection string. One connection: a worker does one thing at a time. */
export class Queue {
  #client;

  constructor(url) {
    this.#client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 3000 });
  }

  /** lost(error): called when the connection ends by itself. */
  async open(lost) {
    this.#client.on("error", lost);
    await this.#client.connect();
  }

  /**
   * Takes what is due longest and hands it to `deliver`; false when nothing is due. When that rejects, the attempt is counted and
   * comes again later. The row stays locked meanwhile: a worker that is killed has taken nothing.
   */
  async takeOne(deliver) {
    await this.#client.query("BEGIN");
    try {
      const { rows } = await this.#client.query(
        `SELECT n.id, n.attempts, m.id AS message, m.room, m.author, m.text, m.sent_at
         FROM notifications n JOIN messages m ON m.id = n.message_id
         WHERE n.delivered_at IS NULL AND n.given_up_at IS NULL AND n.due_at <= now()
         ORDER BY n.due_at, n.id LIMIT 1
         FOR UPDATE OF n SKIP LOCKED`,
      );
      if (rows.length) await this.#record(rows[0], await failureOf(deliver, rows[0]));
      await this.#client.query("COMMIT");
      return rows.length > 0;
    } catch (error) {
      await this.#client.query("ROLLBACK");
      throw error;
    }
  }

  async close() {
    await this.#client.end();
  }

  async #record({ id, attempts }, failed) {
    if (!failed) {
      await this.#client.query("UPDATE notifications SET delivered_at = now(), attempts = $2 WHERE id = $1", [id, attempts + 1]);
    } else if (attempts >= RETRY_SECONDS.length) {
      await this.#client.query("UPDATE notifications SET given_up_at = now(), attempts = $2 WHERE id = $1", [id, attempts + 1]);
    } else {
      await this.#client.query(
        "UPDATE notifications SET due_at = now() + make_interval(secs => $3), attempts = $2 WHERE id = $1",
        [id, attempts + 1, RETRY_SECONDS[attempts]],
      );
    }
  }
}

/** Why the delivery failed, or null. */
async function failureOf(deliver, row) {
  const { id, message, room, author, text, sent_at: sentAt } = row;
  try {
    await deliver({ id: Number(id), message: Number(message), room, author, text, sentAt: sentAt.toISOString() });
    return null;
  } catch (error) {
    return error;
  }
}
