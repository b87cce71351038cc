"""Coverage-guided fuzzing of every reader in tests/fuzz/readers.py, each in a process of its own."""

import argparse
import hashlib
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.fuzz.readers import readers

REPOSITORY = Path(__file__).parents[2]
FOUND = REPOSITORY / "tests" / "fuzz" / "found"
INPUT_BYTES_MAX = 4096
_RUNS = re.compile(r"Done (\d+) runs|#(\d+)\s")


def main() -> int:
    known = readers()
    parser = argparse.ArgumentParser(prog="scripts/fuzz", description=__doc__)
    parser.add_argument("readers", nargs="*", metavar="reader", help=f"of {', '.join(known)} (default: all)")
    parser.add_argument("--seconds", type=int, default=30, help="for each (default: 30)")
    asked = parser.parse_args()
    if wrong := set(asked.readers) - set(known):
        parser.error(f"{', '.join(sorted(wrong))}: must be of {', '.join(known)}")
    broken = 0
    for name in asked.readers or known:
        with tempfile.TemporaryDirectory() as kept:
            broken += _fuzz(name, Path(kept), asked.seconds)
    return 1 if broken else 0


def _fuzz(name: str, kept: Path, seconds: int) -> bool:
    """Whether something broke the reader; what it was is kept."""
    corpus = kept / "corpus"
    corpus.mkdir()
    for index, sample in enumerate(readers()[name].samples):
        (corpus / f"{index}").write_bytes(sample)
    limits = [f"-max_total_time={seconds}", f"-max_len={INPUT_BYTES_MAX}", f"-artifact_prefix={kept}/"]
    command = [sys.executable, "-m", "scripts.fuzzing.target", name, *limits, f"{corpus}"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    said = done.stdout + done.stderr
    runs = [first or second for first, second in _RUNS.findall(said)]
    inputs = [path for path in kept.iterdir() if path.is_file()]
    if done.returncode == 0 and runs and not inputs:
        print(f"{name:<20}{int(runs[-1]):>10,} inputs, nothing broke it", flush=True)
        return False
    print(f"{name:<20} broke:\n{said[-3000:]}", flush=True)
    for path in inputs:
        short = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
        (FOUND / f"{name.replace(' ', '_')}-{short}.bin").write_bytes(path.read_bytes())
    return True


if __name__ == "__main__":
    sys.exit(main())
