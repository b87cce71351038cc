"""What a service asks of its images' origin and scan, as the environment's configuration says it."""

import re
from collections.abc import Mapping
from typing import Any, Final

from shared.rollout.supply import Attestation, Supply, VulnerabilitySeverity

_KNOWN: Final = {"attestation", "note", "severity_max", "unfixable_severity_max", "accepted"}
_NOTE: Final = re.compile(r"projects/[^/]+/notes/[^/]+")
_GRADES: Final = tuple(grade.name.lower() for grade in VulnerabilitySeverity)


def read_supply(raw: Any, path: str, problems: list[str]) -> Supply | None:
    """What is wrong is added to `problems`, each with its field; None when it is no object at all."""
    if not isinstance(raw, dict):
        problems.append(f"{path}: must be an object")
        return None
    problems += [f"{path}.{name}: unknown field" for name in sorted(set(raw) - _KNOWN)]
    attestation, note = raw.get("attestation", Attestation.IGNORE), raw.get("note", "")
    if attestation not in tuple(Attestation):
        problems.append(f"{path}.attestation: must be one of {', '.join(Attestation)}")
        attestation = Attestation.IGNORE
    if attestation == Attestation.REQUIRE and not (isinstance(note, str) and _NOTE.fullmatch(note)):
        problems.append(f"{path}.note: must be projects/P/notes/N where an attestation is required")
    accepted = raw.get("accepted", [])
    if not isinstance(accepted, list) or not all(isinstance(name, str) and name for name in accepted):
        problems.append(f"{path}.accepted: must be a list of names such as CVE-2026-1234")
        accepted = []
    return Supply(
        attestation=Attestation(attestation),
        note=str(note),
        severity_max=_grade(raw, "severity_max", path, problems),
        unfixable_severity_max=_grade(raw, "unfixable_severity_max", path, problems),
        accepted=frozenset(accepted),
    )


def _grade(raw: Mapping[str, Any], name: str, path: str, problems: list[str]) -> VulnerabilitySeverity:
    value = raw.get(name, "critical")
    if value in _GRADES:
        return VulnerabilitySeverity[value.upper()]
    problems.append(f"{path}.{name}: must be one of {', '.join(_GRADES)}")
    return VulnerabilitySeverity.CRITICAL
