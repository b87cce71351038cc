"""Verifying an export: memory above the idle function, and time as a ratio to `gzip -t` of the same file.

The dump has half a million chat messages, and then two million, to show that memory does not grow with it. A process
of its own reads it from the local Cloud Storage with Google's client, as the function does; its memory is the
kernel's count.
"""

import argparse
import gzip
import json
import os
import random
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from google.auth.credentials import AnonymousCredentials
from google.cloud.storage import Client

from benchmarks.figures import Figure, report
from scripts.local_cloud.storage import FakeGcs
from shared.adapters.storage import EMULATOR_VARIABLE

ROWS = (500_000, 2_000_000)
MEMORY_MAX = 24.0  # MiB
BUCKET, KEY = "landing", "dump.sql.gz"
_WORDS = ("habari", "yako", "rafiki", "leo", "asante", "sana", "nitakuja", "kesho", "sawa", "bei", "gani", "soko")
_HEAD = """--
-- PostgreSQL database dump
--

-- Dumped from database version 17.5
-- Dumped by pg_dump version 17.5

CREATE TABLE public.messages (
    id bigint NOT NULL,
    room bigint,
    body text,
    sent_at timestamp with time zone
);

COPY public.messages (id, room, body, sent_at) FROM stdin;
"""
_TAIL = "\\.\n\n--\n-- PostgreSQL database dump complete\n--\n"
_CHILD = """
import json, sys, time
import functions.backup_verify.handler
from shared.backup.dump import read_dump
from shared.runtime.checksum import Checksum
from shared.adapters.objects import StorageObjects
from shared.adapters.cloud_sql import CloudSql

def memory(name):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(name)) / 1024

bucket, key, generation, size = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
objects = StorageObjects()
for _ in objects.pieces(bucket, key, generation, 1):
    pass
idle = memory("VmHWM")
began = time.process_time()
checksum = Checksum()
report = read_dump(checksum.of(objects.pieces(bucket, key, generation, size)))
seconds = time.process_time() - began
print(json.dumps({"idle": idle, "peak": memory("VmHWM"), "seconds": seconds,
                  "rows": report.rows, "faults": [fault.text for fault in report.faults]}))
"""


def write_dump(path: Path, rows: int) -> None:
    """Fast to write and as well compressible as chat is."""
    dice = random.Random(1)
    sentences = [" ".join(dice.choices(_WORDS, k=dice.randint(3, 18))) for _ in range(5_000)]
    with gzip.open(path, "wt", compresslevel=6, encoding="utf-8", newline="") as dump:
        dump.write(_HEAD)
        for number in range(rows):
            body = f"{dice.choice(sentences)} {dice.getrandbits(40):x}"
            dump.write(f"{number}\t{number % 997}\t{body}\t2026-11-23 {number % 24:02}:{number % 60:02}:00+00\n")
        dump.write(_TAIL)


def measure(rows: int, storage: FakeGcs, directory: Path) -> tuple[dict[str, float], float]:
    """What the child tells, and the seconds of `gzip -t`."""
    path = directory / KEY
    write_dump(path, rows)
    client = Client(project="local", credentials=AnonymousCredentials(), client_options={"api_endpoint": storage.url})
    blob = client.bucket(BUCKET).blob(KEY)
    blob.upload_from_filename(str(path))
    command = [sys.executable, "-c", _CHILD, BUCKET, KEY, str(blob.generation), str(blob.size)]
    environment = {**os.environ, EMULATOR_VARIABLE: storage.url}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    told = json.loads(done.stdout)
    if told["rows"] != {"public.messages": rows} or told["faults"]:
        raise SystemExit(f"the dump was not read as it is: {told}")
    gzipped = min(_gzip_seconds(path) for _ in range(3))
    client.close()
    return {**told, "megabytes": path.stat().st_size / 1e6}, gzipped


def _gzip_seconds(path: Path) -> float:
    began = os.times()
    subprocess.run(["gzip", "-t", str(path)], check=True)
    ended = os.times()
    return (ended.children_user + ended.children_system) - (began.children_user + began.children_system)


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/benchmark verification", description=__doc__)
    parser.parse_args()
    figures = []
    with TemporaryDirectory() as directory:
        storage = FakeGcs(BUCKET)
        storage.start()
        try:
            for rows in ROWS:
                told, gzipped = measure(rows, storage, Path(directory))
                name = f"{rows:,} rows, {told['megabytes']:.0f} MB"
                figures += [
                    Figure(
                        what=f"memory above idle, {name}",
                        values=[told["peak"] - told["idle"]],
                        unit="MiB",
                        target=MEMORY_MAX,
                    ),
                    Figure(what=f"time by that of gzip -t, {name}", values=[told["seconds"] / gzipped], unit="x"),
                ]
                print(f"{name}: {told['seconds']:.2f} s, gzip -t {gzipped:.2f} s")
        finally:
            storage.stop()
    return report("Verifying an export", figures)


if __name__ == "__main__":
    sys.exit(main())
