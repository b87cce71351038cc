"""Nothing that fails keeps the rest from being done, and nothing that failed is forgotten."""

from collections.abc import Callable

import pytest

from shared.errors import InvalidRecord, NotFound, Unavailable
from shared.runtime.one_by_one import one_by_one


def done(names: list[str], name: str, error: Exception | None = None) -> Callable[[], str]:
    def task() -> str:
        names.append(name)
        if error is not None:
            raise error
        return name

    return task


def test_what_says_nothing_is_left_out() -> None:
    assert one_by_one([lambda: "a", lambda: "", lambda: "b"]) == ["a", "b"]


@pytest.mark.parametrize(
    ("first", "second", "raised"),
    [
        (InvalidRecord("x"), Unavailable("y"), Unavailable),
        (NotFound("x"), InvalidRecord("y"), NotFound),
        (InvalidRecord("x"), None, InvalidRecord),
        (None, ValueError("y"), ValueError),
    ],
)
def test_every_task_is_tried_and_the_gravest_error_is_raised_after_the_last(
    first: Exception | None, second: Exception | None, raised: type[Exception], capsys: pytest.CaptureFixture[str]
) -> None:
    names: list[str] = []
    with pytest.raises(raised):
        one_by_one([done(names, "a", first), done(names, "b", second), done(names, "c")])
    assert names == ["a", "b", "c"]
    assert capsys.readouterr().out.count('"event": "task.failed"') == len([error for error in (first, second) if error])
