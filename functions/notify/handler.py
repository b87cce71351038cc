"""An announcement: told first, then written, so that a crash in between tells twice and never not at all.

Verdicts that say what they are made of are written only: the ledger keeps what decisions rest on.
"""

from shared.errors import InvalidEvent
from shared.events import announcement as announcements
from shared.events.message import Message
from shared.events.topics import VERDICTS
from shared.rollout.announcement import Severity
from shared.runtime.cloud import Cloud
from shared.runtime.ledger_keys import ledger_key
from shared.runtime.logs import log

_LOG_SEVERITY = {Severity.INFO: "NOTICE", Severity.WARNING: "WARNING", Severity.PAGE: "CRITICAL"}


def handle(message: Message, cloud: Cloud) -> str:
    """Parse, tell unless the ledger has it, write."""
    if message.topic == VERDICTS:
        return _keep_evidence(message, cloud)
    news = announcements.parse(message)
    key = ledger_key(news.key)
    if cloud.ledger.existing([key]):
        return f"duplicate: {news.key} is in the ledger already."
    told = {"text": news.text, "service": news.service, "rollout": news.rollout_id, "details": dict(news.details)}
    log(news.kind, _LOG_SEVERITY[news.severity], **told)
    cloud.ledger.append(key, message.data)
    return f"told: {news.text}"


def _keep_evidence(message: Message, cloud: Cloud) -> str:
    from shared.events import verdict
    from shared.runtime.ledger_keys import evidence_key

    judged = verdict.parse(message)
    if judged.verdict is None:
        raise InvalidEvent("verdict", "must be an object, not null")
    key = evidence_key(judged)
    return f"kept: {key}." if cloud.ledger.append(key, message.data) else f"duplicate: {key} is in the ledger already."
