"""What a person can type while a local cloud runs."""

from collections.abc import Mapping
from pathlib import Path

from scripts.local_cloud.contracts import PROJECT, REGION
from scripts.local_cloud.settings import SERVICE


def how_to_play(endpoints: Mapping[str, str], directory: Path) -> str:
    """endpoints: as LocalCloud tells them; directory: the cloud's own."""
    told = f".venv/bin/python -m scripts.local_cloud --directory {directory}"
    return f"""
The local cloud runs; Ctrl-C ends it and all it started. The service answers on {endpoints["service"]}

  {told} status
  {told} push v-bad --error-rate 0.3
  {told} watch v-bad
  {told} command rollback --why "checkout fails in Lagos"

gcloud speaks to it as to Google:

  export CLOUDSDK_CORE_PROJECT={PROJECT} CLOUDSDK_AUTH_DISABLE_CREDENTIALS=true
  export CLOUDSDK_API_ENDPOINT_OVERRIDES_PUBSUB={endpoints["pubsub_rest"]}
  export CLOUDSDK_API_ENDPOINT_OVERRIDES_RUN=http://run.googleapis.com/
  export http_proxy={endpoints["run_rest"]} no_proxy=127.0.0.1
  gcloud run services describe {SERVICE} --region {REGION}

and so do the client libraries:

  export PUBSUB_EMULATOR_HOST={endpoints["pubsub"]} STORAGE_EMULATOR_HOST={endpoints["storage"]}
"""
