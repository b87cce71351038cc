// What the database must look like, step by step. A step that was released is never changed: the next one changes what it made.
//
// A step expands (adds; every release of before still runs) or has `contracts: true` (removes what releases of before need).

export const MIGRATIONS = [
  {
    name: "0001-messages",
    sql: `
      CREATE TABLE IF NOT EXISTS messages (
        id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        room TEXT NOT NULL,
        author TEXT NOT NULL,
        text TEXT NOT NULL,
        key TEXT NOT NULL UNIQUE,
        sent_at TIMESTAMPTZ NOT NULL DEFAULT now()
      );
      CREATE INDEX IF NOT EXISTS messages_by_room ON messages (room, id);
    `,
  },
  {
    // By a trigger, so that messages are told of from now on whichever release keeps them: the one of before runs beside this one.
    name: "0002-notifications",
    sql: `
      CREATE TABLE notifications (
        id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        message_id BIGINT NOT NULL UNIQUE REFERENCES messages (id) ON DELETE CASCADE,
        due_at TIMESTAMPTZ NOT NULL DEFAULT now(),
        attempts INT NOT NULL DEFAULT 0,
        delivered_at TIMESTAMPTZ,
        given_up_at TIMESTAMPTZ
      );
      CREATE INDEX notifications_due ON notifications (due_at) WHERE delivered_at IS NULL AND given_up_at IS NULL;
      CREATE FUNCTION notify_of_message() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          INSERT INTO notifications (message_id) VALUES (NEW.id);
          RETURN NEW;
        END
      $$;
      CREATE TRIGGER message_is_notified AFTER INSERT ON messages FOR EACH ROW EXECUTE FUNCTION notify_of_message();
    `,
  },
];
