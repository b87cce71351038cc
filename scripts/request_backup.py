"""Asks for a backup's next step by hand: one more export, a word that a smaller export was meant, a restore drill.

    scripts/request_backup.py export chat --project P
    scripts/request_backup.py accept exports/chat/chat/20261124T000000Z.sql.gz --project P --why "rooms were dropped"
    scripts/request_backup.py drill chat --project P

An export is named after the second of the asking. Only a whole file is ever accepted; who accepted it and why is in the
ledger, beside what was found. Who you are is taken from `gcloud config get account` unless --by says it.
PUBSUB_EMULATOR_HOST names a local cloud.
"""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from scripts.send_command import account
from shared.backup.names import ExportName


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("export", "accept", "drill"))
    parser.add_argument("which", help="the Cloud SQL instance; to accept, the export's object as the page names it")
    parser.add_argument("--project", required=True, help="the environment's project id")
    parser.add_argument("--why", help="to accept: one sentence for the ledger")
    parser.add_argument("--by", help="to accept: who you are")
    parser.add_argument("--dry-run", action="store_true", help="show the message and send nothing")
    options = parser.parse_args()
    body: dict[str, str] = {}
    if options.what == "accept":
        by = options.by or account()
        if not options.why or not by:
            parser.error("--why and --by: say why it was meant, and who you are where gcloud knows no account")
        if ExportName.parse(options.which) is None:
            parser.error(f"{options.which} is no export: it must be exports/INSTANCE/DATABASE/NIGHT.sql.gz")
        body = {"key": options.which, "by": by, "why": options.why}
    name, attributes = {
        "export": ("backup-requests", {"again": options.which}),
        "accept": ("backup-acceptances", {}),
        "drill": ("drill-requests", {"instance": options.which}),
    }[options.what]
    topic, data = f"projects/{options.project}/topics/{name}", json.dumps(body).encode()
    if options.dry_run:
        print(f"would send to {topic}: {data.decode()} {json.dumps(attributes)}")
        return 0
    from google.cloud.pubsub_v1 import PublisherClient

    message_id = PublisherClient().publish(topic, data, **attributes).result(timeout=30)
    print(f"{options.what} {options.which}: sent as {message_id}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
