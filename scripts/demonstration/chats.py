"""The database whose backups are demonstrated: people, rooms and what they write, as a dump must survive it."""

ROWS = 20_000
SEED = f"""
CREATE TABLE users(id bigserial PRIMARY KEY, name text NOT NULL);
CREATE TABLE rooms(id bigserial PRIMARY KEY, topic text NOT NULL);
CREATE TABLE drafts(id bigserial PRIMARY KEY, body text NOT NULL);
CREATE TABLE messages(
    id bigserial PRIMARY KEY, room bigint NOT NULL REFERENCES rooms, sender bigint NOT NULL REFERENCES users,
    body text NOT NULL, sent_at timestamptz NOT NULL DEFAULT now());
INSERT INTO users(name) SELECT 'Ọ̀nà ' || n FROM generate_series(1, 500) n;
INSERT INTO drafts(body) SELECT 'bado ' || n FROM generate_series(1, 30) n;
INSERT INTO rooms(topic) SELECT 'habari ' || n FROM generate_series(1, 40) n;
INSERT INTO messages(room, sender, body)
    SELECT 1 + n % 40, 1 + n % 500, E'line one\\n\\\\. ' || md5(n::text) FROM generate_series(1, {ROWS}) n;
"""
CHECKS = {"every message has a sender": "SELECT count(*) = 0 FROM messages WHERE sender NOT IN (SELECT id FROM users)"}
WRITTEN = ("Ọ̀nà ", "bado ", "habari ", "line one")
"""Beginnings of what is in it: a log may have none of them."""
