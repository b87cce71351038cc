"""The peers' rules as documented, on the cases their users reported."""

import pytest

from benchmarks.judge.cells import run
from benchmarks.judge.limits import limit_requests
from benchmarks.judge.mann_whitney import _root, is_higher
from benchmarks.judge.peers import PEERS
from benchmarks.judge.scenarios import Scenario

SEED = 3


def test_kayentas_interval_has_the_digits_its_users_reported() -> None:
    """spinnaker/kayenta issue 6278: seven of ten points a hundred times higher, and the canary passes."""
    import numpy as np

    canary, stable = np.array([100.0] * 7 + [1.0] * 3), np.ones(10)
    assert _root(canary, stable, 2.3263478740408408) == pytest.approx(6.825022991538788e-05)
    assert _root(canary, stable, 0.0) == pytest.approx(98.99992904170193)
    assert not is_higher([100.0] * 7 + [1.0] * 3, [1.0] * 10)
    assert is_higher([100.0] * 8 + [1.0] * 2, [1.0] * 10)


def test_kayenta_calls_equal_series_and_sparse_errors_good() -> None:
    assert not is_higher([1.0, 2.0], [2.0, 1.0])
    assert not is_higher([0.0, 1.0, 2.0, 1.0, 0.0, 0.0], [0.0] * 6)
    assert is_higher([2.0] * 9, [1.0] * 9)


@pytest.mark.parametrize(
    ("peer", "scenario", "least", "most"),
    [
        ("Release Manager", Scenario(rate=5.0, baseline=0.01), 0.9, 1.0),
        ("Flagger", Scenario(rate=0.05), 0.9, 1.0),
        ("Argo Rollouts", Scenario(rate=5.0, added=0.02), 0.0, 0.0),
        ("Argo Rollouts", Scenario(rate=5.0, added=1.0), 1.0, 1.0),
        ("Kayenta", Scenario(rate=5.0, added=0.1), 0.9, 1.0),
    ],
)
def test_every_peer_fails_and_succeeds_where_it_is_known_to(
    peer: str, scenario: Scenario, least: float, most: float
) -> None:
    assert least <= run(PEERS[peer], scenario, 10, SEED).rate <= most


def test_the_information_limit_of_a_known_case() -> None:
    assert limit_requests(1.0, 0.001, 0.05, 0.01) == pytest.approx(1.2, abs=0.05)
    assert limit_requests(0.021, 0.001, 0.05, 0.01) == pytest.approx(126.5, abs=0.5)


def test_kayenta_finds_slowness_and_the_others_do_not_look() -> None:
    slow = Scenario(rate=20.0, baseline=0.0, slower=2.0)
    assert run(PEERS["Kayenta"], slow, 4, SEED).rate == 1.0
    assert all(run(PEERS[name], slow, 4, SEED).rate == 0.0 for name in PEERS if name != "Kayenta")
