"""What was announced."""

from tests.fakes.cloud import FakeCloud


def told(cloud: FakeCloud) -> list[tuple[str, str]]:
    """Kinds and severities, in order."""
    rows = cloud.messages.on("rollout-events")
    return [(row.attributes["kind"], row.attributes["severity"]) for row in rows]


def kinds(cloud: FakeCloud) -> list[str]:
    return [kind for kind, _ in told(cloud)]
