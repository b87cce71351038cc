"""Tries every mutant on the tests that reach its function: collected once, and run in a fork for each.

mutmut makes the mutants, finds the tests of each function and keeps what came of them; only its way to start pytest
anew for each mutant is replaced, which took longer than the tests.

    python -m scripts.mutation.trials PROCESSES all|survivors PACKAGE...
"""

import os
import signal
import sys
from collections.abc import Iterable
from math import ceil
from pathlib import Path

import pytest
from mutmut.__main__ import collect_source_file_mutation_data, create_mutants, run_stats_collection
from mutmut.configuration import config
from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.mutation.trampoline import set_mutant_under_test
from mutmut.runners.harness import PytestRunner
from mutmut.state import state
from mutmut.stats import load_stats, status_by_exit_code
from mutmut.utils.file_utils import change_cwd, copy_also_copy_files, copy_src_dir, setup_source_paths
from mutmut.utils.format_utils import mangled_name_from_mutant_name
from mutmut.workers.isolation import ForkRunner, MutantResult, run_in_fork

from scripts.mutation.results import EQUIVALENT, NOTICED, Equivalent, read_equivalent, survivor_of

_PASSED, _FAILED, _BROKEN, _NO_TESTS, _ENDLESS = 0, 1, 3, 33, 36  # as mutmut reads them
_HOME = Path.cwd()
_MUTATED = _HOME / "mutants"
_NOTICED_BY = _MUTATED / "noticed_by"  # by function, the test
_PATIENCE = 10  # times as long by the clock, for a busy machine: only what waits for ever is ended by that
_ON_THEIR_OWN = ("analysis",)  # they look at every figure; a whole delivery takes half a minute and looks at a word


def main() -> int:
    count, which, *packages = sys.argv[1:]
    if set(packages) <= set(_ON_THEIR_OWN):
        config().pytest_add_cli_args_test_selection = [f"tests/{name}" for name in packages]
    if code := run_in_fork(_prepare, int(count)):
        return code
    setup_source_paths()
    load_stats()
    found, _ = collect_source_file_mutation_data(mutant_names=[f"shared.{name}.*" for name in packages])
    listed = read_equivalent(EQUIVALENT) if EQUIVALENT.exists() else []
    mutants = {
        name: data for data, name, result in found if which == "all" or _worth_trying(name, data, result, listed)
    }
    set_mutant_under_test("")
    _NOTICED_BY.mkdir(exist_ok=True)
    trials = Trials(mutants, int(count))
    with change_cwd(_MUTATED):
        arguments = [*config().pytest_add_cli_args_test_selection, *config().pytest_add_cli_args]
        return int(pytest.main(["--rootdir=.", "--tb=no", "-x", "-q", *arguments], plugins=[trials]))


def _prepare(count: int) -> int:
    """Makes the mutants and finds which tests reach which function; in a fork, so that it fills no cache of ours."""
    _MUTATED.mkdir(exist_ok=True)
    set_mutant_under_test("mutant_generation")
    copy_src_dir()
    copy_also_copy_files()
    setup_source_paths()
    create_mutants(count)
    run_stats_collection(ForkRunner(count, PytestRunner()))
    return 0


def _worth_trying(name: str, data: SourceFileMutationData, result: int | None, listed: list[Equivalent]) -> bool:
    """Again: not what a test noticed, nor what survived and is listed as equivalent, which takes longest."""
    if result is None:
        return True
    if status_by_exit_code[result] in NOTICED:
        return False
    survivor = survivor_of(name, get_diff_for_mutant(name, path=data.path))
    return not any(row.covers(survivor) for row in listed)


class Trials:
    """A plugin that tries mutants where pytest would run what it has collected.

    mutants: by name, with the file that keeps what came of them.
    """

    def __init__(self, mutants: dict[str, SourceFileMutationData], count: int) -> None:
        self._mutants = mutants
        self._count = count

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        runner = ForkRunner(self._count, _Collected(session), debug=True)  # which leaves stdout to pytest
        with change_cwd(_HOME):
            self._try_all(runner)
        return True

    def _try_all(self, runner: ForkRunner) -> None:
        reaching = state().tests_by_mangled_function_name
        tests = {name: _telling(name, reaching[mangled_name_from_mutant_name(name)]) for name in self._mutants}
        seconds = {name: sum(state().duration_by_test[test] for test in tests[name]) for name in self._mutants}
        runner.startup()
        self._accept(runner, sorted(set().union(*tests.values())))
        for name in sorted(self._mutants, key=seconds.__getitem__):
            if not tests[name]:
                self._keep(MutantResult(name, _NO_TESTS, 0.0))
                continue
            while not runner.has_capacity():
                self._keep(runner.wait_for_result())
            runner.submit(name, list(tests[name]), ceil(_most(seconds[name])), _PATIENCE * seconds[name])
        while runner.pending_count():
            self._keep(runner.wait_for_result())

    def _accept(self, runner: ForkRunner, tests: list[str]) -> None:
        """Raises when a test fails although nothing is changed: then a failure would say nothing."""
        seconds = sum(state().duration_by_test[test] for test in tests)
        runner.submit("", tests, ceil(seconds * config().timeout_multiplier), seconds)
        if code := runner.wait_for_result().exit_code:
            raise pytest.UsageError(f"with no change at all the tests end with {code}")

    def _keep(self, result: MutantResult) -> None:
        data = self._mutants[result.mutant_name]
        data.exit_code_by_key[result.mutant_name] = result.exit_code
        data.durations_by_key[result.mutant_name] = result.duration
        data.save()


def _telling(mutant: str, reaching: set[str]) -> set[str]:
    """Of the tests that reach a mutant, those it is tried on."""
    package = mutant.split(".")[1]
    own = {test for test in reaching if test.startswith(f"tests/{package}/")}
    return own if package in _ON_THEIR_OWN else reaching


def _most(seconds: float) -> float:
    """Of the processor, for what takes so many with nothing changed."""
    return (seconds + config().timeout_constant) * config().timeout_multiplier


class _Collected(PytestRunner):
    """Runs tests that are collected already, in the fork that the mutant lives in, which ends with them."""

    def __init__(self, session: pytest.Session) -> None:
        self._session = session
        self._items = {item.nodeid: item for item in session.items}

    def run_tests(self, *, mutant_name: str | None, tests: Iterable[str]) -> int:
        """What noticed the last change of the same function goes first: most often it notices this one too.

        A test that takes many times as long as it does ends the trial at once, not when all of them should be through.
        """
        noticed = _NOTICED_BY / (mangled_name_from_mutant_name(mutant_name) if mutant_name else "nothing")
        first = noticed.read_text() if noticed.exists() else ""
        code = _BROKEN
        try:
            os.chdir(_MUTATED)
            signal.signal(signal.SIGPROF, lambda *_: os._exit(_ENDLESS))
            for name in sorted(tests, key=lambda name: (name != first, state().duration_by_test[name])):
                item = self._items[name]
                signal.setitimer(signal.ITIMER_PROF, _most(state().duration_by_test[name]))
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
                if self._session.testsfailed:
                    noticed.write_text(name)
                    break
            code = _FAILED if self._session.testsfailed else _PASSED
        finally:
            os._exit(code)


if __name__ == "__main__":
    sys.exit(main())
