"""The gcloud CLI as a client of the local cloud: a client that we did not write."""

import os
import subprocess
from pathlib import Path

from scripts.local_cloud.contracts import PROJECT
from tests import tools

RUN_ENDPOINT = "http://run.googleapis.com/"
SETTINGS = {
    "CLOUDSDK_AUTH_DISABLE_CREDENTIALS": "true",
    "CLOUDSDK_CORE_PROJECT": PROJECT,
    "CLOUDSDK_CORE_DISABLE_PROMPTS": "true",
    "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "true",
    "CLOUDSDK_CORE_DISABLE_FILE_LOGGING": "true",
    "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK": "true",
    "CLOUDSDK_SURVEY_DISABLE_PROMPTS": "true",
}


class Gcloud:
    """gcloud without an account, pointed at local servers.

    configuration: an empty directory for its own files. It puts the region before Cloud Run's host name, which only a
    proxy can still find; so the Cloud Run Admin API is its proxy for everything that is not on this machine.
    """

    def __init__(self, configuration: Path, *, pubsub_port: int = 0, run_port: int = 0) -> None:
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "HOME") if name in os.environ}
        self._environment = {**kept, **SETTINGS, "CLOUDSDK_CONFIG": str(configuration)}
        if pubsub_port:
            self._environment["CLOUDSDK_API_ENDPOINT_OVERRIDES_PUBSUB"] = f"http://127.0.0.1:{pubsub_port}/"
        if run_port:
            self._environment["CLOUDSDK_API_ENDPOINT_OVERRIDES_RUN"] = RUN_ENDPOINT
            self._environment |= {"http_proxy": f"http://127.0.0.1:{run_port}", "no_proxy": "127.0.0.1"}

    def __call__(self, *arguments: str) -> str:
        """What it printed. Fails when it exits with anything but 0."""
        command = [tools.gcloud(), *arguments, "--quiet"]
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout
