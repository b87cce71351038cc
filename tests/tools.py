"""Other people's tools, without which a test proves nothing: where they are missing, a skip that says so.

In CI a missing tool is a failure, and so is one that belongs to a tool that is there: whoever has gcloud can have what
holds our Pub/Sub to Google's.
"""

import os
import shutil
from pathlib import Path

import pytest

EMULATOR = "platform/pubsub-emulator/lib"
TERRAFORM_OFFLINE = "TERRAFORM_OFFLINE"


def required(tool: str, found: str | None, *, expected: str = "") -> str:
    """The path that was found; skips the test when there is none, or fails it in CI and where the tool is expected.

    expected: why it should be here, or "".
    """
    if found is not None:
        return found
    if os.environ.get("CI"):
        pytest.fail(f"{tool} is missing, and CI may not skip this")
    if expected:
        pytest.fail(f"{tool} is missing, and {expected}")
    pytest.skip(f"NOTHING WAS PROVED: {tool} is not installed here")


def installed(name: str, directory: Path) -> str:
    """A program that a package put beside the interpreter; on machines that package has no build for, there is none."""
    return required(name, shutil.which(name, path=str(directory)))


def gcloud() -> str:
    return required("the gcloud CLI", shutil.which("gcloud"))


def java() -> str:
    return required("java", shutil.which("java"), expected=_beside_gcloud("default-jre-headless"))


def pubsub_emulator() -> str:
    """The jar of Google's emulator: the variable's, that of the SDK which gcloud belongs to, or Debian's."""
    named = [Path(os.environ["PUBSUB_EMULATOR_JAR"])] if "PUBSUB_EMULATOR_JAR" in os.environ else []
    roots = [Path(gcloud()).resolve().parents[1], Path("/usr/lib/google-cloud-sdk")]
    jars = named + [jar for root in roots for jar in (root / EMULATOR).glob("cloud-pubsub-emulator-*-all.jar")]
    found = next((str(jar) for jar in jars if jar.is_file()), None)
    return required("Google's Pub/Sub emulator", found, expected=_beside_gcloud("google-cloud-cli-pubsub-emulator"))


def _beside_gcloud(package: str) -> str:
    """Why a tool that gcloud's own emulators need should be here, and how to get it; "" where gcloud is not."""
    return f"gcloud is here: apt-get install {package}" if shutil.which("gcloud") else ""


def terraform_offline() -> list[str]:
    """A program that runs Terraform with a stand-in for the google provider, and Terraform behind it.

    TERRAFORM_OFFLINE names it. The stand-in has the provider's real schema, plans with it and applies in memory, so
    that no cloud is needed and none can be touched. It is nothing a package manager brings: without it this skips, in
    CI too, and says so.
    """
    path = os.environ.get(TERRAFORM_OFFLINE)
    if path is None:
        pytest.skip(f"{TERRAFORM_OFFLINE} names no stand-in for the google provider: NOTHING WAS PLANNED OR APPLIED")
    return [required("the program that TERRAFORM_OFFLINE names", shutil.which(path)), terraform()]


def terraform_with_a_provider() -> list[str]:
    """Terraform with the stand-in, or else alone: then it needs a registry, and must not plan or apply."""
    return terraform_offline() if TERRAFORM_OFFLINE in os.environ else [terraform()]


def terraform() -> str:
    """Nothing a package index brings: without it this skips, in CI too, and says so."""
    found = shutil.which("terraform")
    if found is None:
        pytest.skip("terraform is not installed here: NOTHING WAS VALIDATED")
    return found
