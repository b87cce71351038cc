"""Image references, taken apart."""

import re

from shared.errors import InvalidEvent

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def split_digest(reference: str, field: str) -> tuple[str, str]:
    """The repository and digest of "repository@sha256:…"."""
    repository, _, digest = reference.partition("@")
    if not repository or not _DIGEST.fullmatch(digest):
        raise InvalidEvent(field, f'must be "repository@sha256:…" with 64 hex digits, not "{reference}"')
    return repository, digest


def split_tag(reference: str, field: str) -> tuple[str, str]:
    """The repository and tag of "repository:tag"; a registry's port is not a tag."""
    repository, _, tag = reference.rpartition(":")
    if not repository or not tag or "/" in tag:
        raise InvalidEvent(field, f'must be "repository:tag", not "{reference}"')
    return repository, tag


def check_digest(digest: str, field: str) -> str:
    """The digest itself, "sha256:" and 64 hex digits."""
    if not _DIGEST.fullmatch(digest):
        raise InvalidEvent(field, f'must be "sha256:" and 64 hex digits, not "{digest}"')
    return digest
