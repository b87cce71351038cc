"""Sends an operator's command: who, why, and a request id that makes a repeat harmless.

    scripts/send_command.py rollback web --project P --why "checkout fails in Lagos"
    scripts/send_command.py rollback web --project P --why "a drill" --dry-run
    scripts/send_command.py freeze "*" --project P --why "election night"
    scripts/send_command.py unfreeze "*" --project P --holder "*" --why "the stop is over, whoever ordered it"

Everybody lifts the environment's freeze that they hold themselves; --holder names another's, or "*" all of them.
The commands: rollback, abort, pause, resume, promote, release_pin, freeze, unfreeze.
Who you are is taken from `gcloud config get account` unless --by says it. PUBSUB_EMULATOR_HOST names a local cloud.
"""

import argparse
import subprocess
import sys
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from scripts.own_python import sentence

try:
    from shared.events.command import encode
    from shared.rollout.commands import Command, Verb
except ImportError as error:
    sys.exit(sentence(error))


def account() -> str:
    """The account gcloud is signed in with, or ""."""
    try:
        found = subprocess.run(["gcloud", "config", "get", "account"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return found.stdout.strip()


def _publish(topic: str, data: bytes, attributes: Mapping[str, str]) -> str:
    """The message id, once Pub/Sub has the message."""
    try:
        from google.cloud.pubsub_v1 import PublisherClient
    except ImportError as error:
        sys.exit(sentence(error))

    return str(PublisherClient().publish(topic, data, **attributes).result(timeout=30))


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=[verb.value for verb in Verb])
    parser.add_argument("service", help="the Cloud Run service, or * for the whole environment")
    parser.add_argument("--why", required=True, help="one sentence for the ledger")
    parser.add_argument("--project", required=True, help="the environment's project id")
    parser.add_argument("--by", help="who you are")
    parser.add_argument("--holder", default="", help='with "*": whose freeze is meant, or "*" to lift everybody\'s')
    parser.add_argument("--request-id", help="repeat a command with its first id and nothing happens twice")
    parser.add_argument("--dry-run", action="store_true", help="show the message and send nothing")
    options = parser.parse_args()
    if options.holder and options.service != "*":
        parser.error('--holder: only a freeze of the whole environment ("*") has holders')
    by = options.by or account()
    if not by:
        parser.error("--by: say who you are; gcloud knows no account")
    command = Command(
        verb=Verb(options.command),
        service=options.service,
        by=by,
        why=options.why,
        request_id=options.request_id or uuid.uuid4().hex,
        at=datetime.now(UTC),
    )
    data, attributes = encode(command, options.holder)
    topic = f"projects/{options.project}/topics/commands"
    if options.dry_run:
        print(f"would send to {topic}: {data.decode()}")
        return 0
    message_id = _publish(topic, data, attributes)
    print(f"{command.verb} {command.service}: sent as {message_id}, request id {command.request_id}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
