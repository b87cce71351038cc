"""The topics we publish to, by their short names."""

DEPLOY_REQUESTS = "deploy-requests"
VERDICTS = "verdicts"
ROLLOUT_EVENTS = "rollout-events"
REJECTED_EVENTS = "rejected-events"
REVISION_CHANGES = "revision-changes"
