"""What is known against an image, against what its service allows."""

import pytest

from shared.rollout.facts import OPEN, Gate
from shared.rollout.supply import Scan, ScanState, Supply, Vulnerability, VulnerabilitySeverity, passes

MEDIUM, HIGH, CRITICAL = VulnerabilitySeverity.MEDIUM, VulnerabilitySeverity.HIGH, VulnerabilitySeverity.CRITICAL
STRICT = Supply(severity_max=HIGH, unfixable_severity_max=CRITICAL)


def finished(*found: Vulnerability) -> Scan:
    return Scan(ScanState.FINISHED, found)


def test_the_defaults_ask_for_no_scan() -> None:
    assert not Supply().asks_for_a_scan
    assert STRICT.asks_for_a_scan
    assert Supply(unfixable_severity_max=HIGH).asks_for_a_scan


@pytest.mark.parametrize("state", [ScanState.NONE, ScanState.RUNNING, ScanState.FAILED, ScanState.STALE])
def test_an_unfinished_scan_is_no_clean_one(state: ScanState) -> None:
    gate = passes(STRICT, Scan(state))
    assert gate.waits
    assert not gate.refuses


def test_what_cannot_be_scanned_is_refused() -> None:
    assert "cannot scan" in passes(STRICT, Scan(ScanState.UNSUPPORTED)).refuses


@pytest.mark.parametrize(
    ("supply", "found", "passes_it"),
    [
        (STRICT, Vulnerability("CVE-1", HIGH, fixable=True), True),
        (STRICT, Vulnerability("CVE-1", CRITICAL, fixable=True), False),
        (STRICT, Vulnerability("CVE-1", CRITICAL), True),
        (Supply(unfixable_severity_max=MEDIUM), Vulnerability("CVE-1", HIGH), False),
        (Supply(unfixable_severity_max=MEDIUM), Vulnerability("CVE-1", CRITICAL, fixable=True), True),
        (Supply(severity_max=HIGH, accepted=frozenset({"CVE-1"})), Vulnerability("CVE-1", CRITICAL, True), True),
        (Supply(severity_max=HIGH, accepted=frozenset({"CVE-2"})), Vulnerability("CVE-1", CRITICAL, True), False),
    ],
)
def test_the_limits(supply: Supply, found: Vulnerability, passes_it: bool) -> None:
    assert (passes(supply, finished(found)) == OPEN) is passes_it


def test_the_refusal_names_the_worst_and_counts_the_rest() -> None:
    rows = [Vulnerability(f"CVE-{n}", CRITICAL, True, "openssl" if n == 1 else "") for n in (3, 1, 2, 4, 1)]
    assert passes(STRICT, finished(*rows)) == Gate(
        refuses="it has CVE-1 in openssl (critical, a fix exists), CVE-2 (critical, a fix exists), "
        "CVE-3 (critical, a fix exists) and 1 more. Build it again with what mends this, or accept it by name."
    )


@pytest.mark.parametrize(
    ("state", "gate"),
    [
        (ScanState.NONE, Gate(waits="its scan has not begun.")),
        (ScanState.RUNNING, Gate(waits="its scan is not finished.")),
        (ScanState.FAILED, Gate(waits="its scan failed; Container Analysis must scan it again.")),
        (
            ScanState.STALE,
            Gate(waits="its scan is out of date; pull the image once, and Container Analysis scans it again."),
        ),
        (
            ScanState.UNSUPPORTED,
            Gate(refuses="Container Analysis cannot scan such an image, so nobody knows what is in it."),
        ),
    ],
)
def test_people_are_told_what_is_wrong_with_the_scan(state: ScanState, gate: Gate) -> None:
    assert passes(STRICT, Scan(state)) == gate


def test_the_worst_comes_first_and_three_are_named_without_a_rest() -> None:
    strict = Supply(severity_max=MEDIUM, unfixable_severity_max=MEDIUM)
    rows = [Vulnerability("CVE-1", HIGH), Vulnerability("CVE-3", CRITICAL), Vulnerability("CVE-2", HIGH, True)]
    assert passes(strict, finished(*rows)).refuses == (
        "it has CVE-3 (critical, no fix yet), CVE-1 (high, no fix yet), CVE-2 (high, a fix exists). "
        "Build it again with what mends this, or accept it by name."
    )
