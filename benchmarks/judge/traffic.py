"""Requests of one simulated rollout, minute by minute, drawn with numpy a stretch at a time."""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.judge.scenarios import Clients, Scatter, Scenario
from shared.analysis.evidence import Histogram

EDGES_MS = tuple(8.0 * 2.0 ** (index / 2) for index in range(24))
NO_LATENCY = Histogram()
STRETCH = 24  # minutes drawn at once; a change of the split throws the rest away
_DAY, _HOUR = 1440, 60
# (weight, median ms, sigma of the logarithm)
_LATENCIES = {Clients.NEAR: ((1.0, 80.0, 0.6),), Clients.MOBILE: ((0.9, 90.0, 0.6), (0.1, 900.0, 0.9))}
_COLD_START = (2500.0, 0.3)
_COLD_REQUESTS = 2  # that wait for the first instance after an idle time

Floats = NDArray[np.float64]


class Minute(NamedTuple):
    """What both revisions answered in one minute. excess: the canary's true error rate above stable's.

    control, control_bad: our own probes of stable, while it has no traffic.
    """

    canary: int
    canary_bad: int
    stable: int
    stable_bad: int
    latency: Histogram
    stable_latency: Histogram
    excess: float
    control: int = 0
    control_bad: int = 0


class Traffic:
    """One service with one canary; `minutes` draws from a share on."""

    def __init__(self, scenario: Scenario, dice: np.random.Generator) -> None:
        self._scenario, self._dice = scenario, dice
        self._phase = dice.uniform(0, _DAY)
        s = scenario
        self._usual = latency_shares(s.clients)
        self._busy = [-1, -_DAY]  # canary's and stable's last minute with a request: a canary comes with an instance
        self._canary = latency_shares(s.clients, slower=s.slower, tail_slower=s.tail_slower, cold=s.cold)

    def minutes(self, start: int, share: float) -> Iterator[Minute]:
        """From minute `start` on with this share of traffic on the canary, 0 to 1."""
        while True:
            for minute, row in enumerate(self._stretch(start, share), start=start):
                for side, requests in enumerate((row.canary, row.stable)):
                    self._busy[side] = minute if requests else self._busy[side]
                yield row
            start += STRETCH

    def _stretch(self, start: int, share: float) -> Iterator[Minute]:
        s, dice = self._scenario, self._dice
        times = np.arange(start, start + STRETCH)
        cycle = np.sin(2 * np.pi * (times + self._phase) / _DAY)
        requests = 60 * s.rate * (1 + s.daily * cycle)
        if s.idle:
            requests = np.where(times % s.idle[0] < s.idle[1], 0.0, requests)
        odds = s.split * (1 + s.wander * np.sin(2 * np.pi * times / _HOUR))
        observed = np.minimum(1.0, share * odds / (share * odds + 1 - share))
        ours, theirs = dice.poisson(requests * observed), dice.poisson(requests * (1 - observed))
        rate = s.baseline * (1 + s.daily * cycle)
        out = np.zeros(STRETCH, dtype=bool)
        if s.outage:
            out = (times >= s.outage[0]) & (times < s.outage[1])
            rate = np.where(out, np.maximum(rate, s.outage[2]), rate)
        canary_rate = np.where((times >= s.onset) & (share > 0), np.minimum(1.0, rate + s.added), rate)
        bad = dice.binomial(ours, np.where(out, canary_rate, self._scattered(canary_rate)))
        stable_rate = np.where(out, rate, self._scattered(rate))
        stable_bad = dice.binomial(theirs, stable_rate)
        control = np.full(STRETCH, s.control if share == 1 else 0)
        control_bad = dice.binomial(control, stable_rate)
        latency = self._latencies(ours, self._canary, self._cold(ours, times, 0))
        stable_latency = self._latencies(theirs, self._usual, self._cold(theirs, times, 1))
        counts = [row.tolist() for row in (ours, bad, theirs, stable_bad)]
        rest = [row.tolist() for row in (canary_rate - rate, control, control_bad)]
        yield from map(Minute, *counts, latency, stable_latency, *rest)

    def _scattered(self, rate: Floats) -> Floats:
        s = self._scenario
        if s.scatter is Scatter.BETA:
            k = 1 / s.correlation - 1
            inner = np.clip(rate, 1e-9, 1 - 1e-9)
            drawn = self._dice.beta(inner * k, (1 - inner) * k)
            return np.where((rate <= 0) | (rate >= 1), rate, drawn)
        if s.scatter is Scatter.BURST:
            level = np.maximum(s.burst, rate)
            begins = self._dice.random(len(rate)) < rate / level / s.burst_minutes
            return np.where(np.convolve(begins, np.ones(s.burst_minutes))[: len(rate)] > 0, level, 0.0)
        return rate

    def _cold(self, requests: NDArray[np.int64], times: NDArray[np.int64], side: int) -> NDArray[np.int64]:
        """Of each minute's requests, those that are the first after an idle time."""
        cold, busy, warm = np.zeros_like(requests), self._busy[side], self._scenario.warm
        for at in np.flatnonzero(requests).tolist() if warm else ():
            if times[at] - busy > warm:
                cold[at] = min(int(requests[at]), _COLD_REQUESTS)
            busy = int(times[at])
        return cold

    def _latencies(self, requests: NDArray[np.int64], shares: Floats, cold: NDArray[np.int64]) -> list[Histogram]:
        if not requests.any():
            return [NO_LATENCY] * len(requests)
        counted = self._dice.multinomial(requests - cold, shares)
        if cold.any():
            counted = counted + self._dice.multinomial(cold, latency_shares(self._scenario.clients, cold=1.0))
        drawn = counted.tolist()
        return [Histogram(bounds_ms=EDGES_MS, counts=tuple(row)) for row in drawn]


def latency_shares(clients: Clients, *, slower: float = 1.0, tail_slower: float = 1.0, cold: float = 0.0) -> Floats:
    """The probability of every bucket."""
    below = [_below(clients, edge / slower) for edge in EDGES_MS]
    if tail_slower != 1:
        p90 = _quantile(clients, 0.9)
        below = [
            _below(clients, edge) if edge < p90 else max(0.9, _below(clients, edge / tail_slower)) for edge in EDGES_MS
        ]
    if cold:
        median, sigma = _COLD_START
        below = [
            (1 - cold) * share + cold * _normal(math.log(edge / median) / sigma)
            for share, edge in zip(below, EDGES_MS, strict=True)
        ]
    shares: Floats = np.maximum(np.diff(np.array([0.0, *below, 1.0])), 0.0)
    shares /= shares.sum()
    return shares


def _below(clients: Clients, edge: float) -> float:
    return sum(weight * _normal(math.log(edge / median) / sigma) for weight, median, sigma in _LATENCIES[clients])


def _quantile(clients: Clients, share: float) -> float:
    low, high = 1.0, 1e6
    for _ in range(60):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if _below(clients, middle) < share else (low, middle)
    return low


def _normal(z: float) -> float:
    return 0.5 * (1 + math.erf(z / math.sqrt(2)))
