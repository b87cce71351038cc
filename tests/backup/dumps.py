"""Dumps as pg_dump writes them, made by hand: head, tables, data, sequences, mark of the end."""

import gzip
from collections.abc import Mapping, Sequence

from scripts.local_cloud.sql.spoiling import nine

GOOD_TABLES: Mapping[str, Sequence[str]] = {
    "public.users": [f"{n}\tUser {n}" for n in range(1, 201)],
    "public.messages": [f"{n}\thabari yako {n * 7919}" for n in range(1, 1001)],
    "public.rooms": [f"{n}\troom" for n in range(1, 21)],
}
MARK = "-- PostgreSQL database dump complete"


def dump_text(
    tables: Mapping[str, Sequence[str]] = GOOD_TABLES,
    *,
    server: str = "15.18",
    tool: str = "15.18 (Debian 15.18-1)",
    extensions: Sequence[str] = ("pgcrypto",),
    statements: str = "",
    data: bool = True,
) -> str:
    parts = [
        "--\n-- PostgreSQL database dump\n--\n\n\\restrict aBc123\n\n",
        f"-- Dumped from database version {server}\n-- Dumped by pg_dump version {tool}\n\n",
        "SET standard_conforming_strings = on;\n\n",
        *(f"CREATE EXTENSION IF NOT EXISTS {name} WITH SCHEMA public;\n" for name in extensions),
        statements,
        *(f"CREATE TABLE {name} (\n    id bigint NOT NULL,\n    body text\n);\n\n" for name in tables),
    ]
    if data:
        for name, rows in tables.items():
            lines = "".join(f"{row}\n" for row in rows)
            parts.append(f"--\n-- Data for Name: it's\n--\n\nCOPY {name} (id, body) FROM stdin;\n{lines}\\.\n\n\n")
    parts.append("SELECT pg_catalog.setval('public.messages_id_seq', 1000, true);\n\n")
    parts.append(f"--\n{MARK}\n--\n\n\\unrestrict aBc123\n\n")
    return "".join(parts)


def zipped(text: str) -> bytes:
    return gzip.compress(text.encode(), mtime=0)


def pieces(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


GOOD = dump_text()


NINE = nine("public.messages")
