"""Values remember their file and line, and one file is laid over another key by key."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from scripts.configuration import documents

VALUES = st.recursive(
    st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
    max_leaves=10,
)
MAPPINGS = st.dictionaries(st.sampled_from("abcd"), VALUES, max_size=4)


def document(tmp_path: Path, name: str, text: str) -> documents.Document:
    (tmp_path / name).write_text(text)
    read, problems = documents.read(tmp_path / name, name)
    assert problems == []
    return read


def test_a_value_keeps_the_file_and_line_it_came_from(tmp_path: Path) -> None:
    base = document(tmp_path, "common.yaml", "a:\n  b: 1\n  c: [1, 2]\n")
    over = document(tmp_path, "own.yaml", "# mine\na:\n  c:\n    - 3\n")
    whole = documents.overlaid(base, over)
    assert whole.value == {"a": {"b": 1, "c": [3]}}
    assert str(whole.problem(("a", "b"), "odd")) == "common.yaml:2: a.b: odd"
    assert str(whole.problem(("a", "c", 0), "odd")) == "own.yaml:4: a.c.0: odd"
    assert str(whole.problem(("a", "d"), "missing")) == "own.yaml:2: a.d: missing"


def test_a_list_that_was_replaced_leaves_no_line_behind(tmp_path: Path) -> None:
    base = document(tmp_path, "common.yaml", "a:\n  - 1\n  - 2\n")
    over = document(tmp_path, "own.yaml", "a: [3]\n")
    assert documents.overlaid(base, over).problem(("a", 1), "odd").file == "own.yaml"


def test_what_is_said_twice_is_told(tmp_path: Path) -> None:
    base = document(tmp_path, "common.yaml", "a:\n  b: 1\n  c: null\n")
    over = document(tmp_path, "own.yaml", "a:\n  b: 1\n  d: null\n")
    assert [str(row) for row in documents.repeated(base, over)] == [
        "own.yaml:2: a.b: is the same in common.yaml; leave it out here"
    ]


def test_a_key_given_twice_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("a: 1\nb: 2\na: 3\n")
    _, problems = documents.read(tmp_path / "own.yaml", "own.yaml")
    assert [str(row) for row in problems] == ["own.yaml:3: a: given twice"]


def test_what_is_no_mapping_says_so_with_its_line(tmp_path: Path) -> None:
    for text, line in (("- 1\n", 1), ("a: 1\nb: [\n", 3)):
        (tmp_path / "own.yaml").write_text(text)
        read, [problem] = documents.read(tmp_path / "own.yaml", "own.yaml")
        assert (read.value, problem.line) == ({}, line)
    _, [problem] = documents.read(tmp_path / "absent.yaml", "absent.yaml")
    assert "No such file" in problem.text


@given(MAPPINGS, MAPPINGS)
def test_the_upper_file_wins_and_nothing_else_changes(base: dict[str, object], over: dict[str, object]) -> None:
    both = documents.merged(base, over)
    assert documents.merged(both, over) == both
    assert set(both) == {*base, *over}
    for key in set(base) - set(over):
        assert both[key] == base[key]
    for key in set(over) - set(base):
        assert both[key] == over[key]
