"""A dump is called whole exactly when it is."""

import gzip
import tracemalloc
import zlib
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scripts.local_cloud.sql.spoiling import Spoiled
from shared.backup.dump import DumpReader, DumpReport, read_dump
from shared.backup.dump_lines import LINE_SIZE_MAX
from shared.backup.faults import FaultKind
from shared.backup.trend import Expectation, trend_faults
from tests.backup.dumps import GOOD, GOOD_TABLES, MARK, NINE, dump_text, pieces, zipped


def kinds(report: DumpReport) -> set[FaultKind]:
    return {fault.kind for fault in report.faults}


def test_a_good_dump_is_whole_and_its_rows_are_counted() -> None:
    data = zipped(GOOD)
    report = read_dump([data])
    assert report.faults == ()
    assert report.rows == {"public.messages": 1000, "public.rooms": 20, "public.users": 200}
    assert (report.server_version, report.tool_version) == ("15.18", "15.18")
    assert report.extensions == ("pgcrypto",)
    assert (report.compressed_size, report.raw_size) == (len(data), len(GOOD.encode()))


@pytest.mark.parametrize("broken", NINE, ids=lambda broken: broken.name)
def test_each_broken_dump_is_caught_for_its_reason(broken: Spoiled) -> None:
    verified = [read_dump([zipped(GOOD)])]
    report = read_dump(pieces(broken.spoil(zipped(GOOD)), 1000))
    later = trend_faults(report, verified, Expectation(append_only=frozenset({"public.messages"})))
    assert broken.caught_as in kinds(report) | {fault.kind for fault in later}


def test_a_table_taken_out_with_its_definition_is_caught_by_the_last_verified_export() -> None:
    fewer = {name: rows for name, rows in GOOD_TABLES.items() if name != "public.rooms"}
    report = read_dump([zipped(dump_text(fewer))])
    assert report.faults == ()
    found = trend_faults(report, [read_dump([zipped(GOOD)])], Expectation())
    assert [fault.kind for fault in found] == [FaultKind.TABLE_MISSING]


def test_an_empty_file_is_caught() -> None:
    assert FaultKind.EMPTY in kinds(read_dump([]))


def test_a_dump_made_by_an_older_pg_dump_is_caught() -> None:
    assert kinds(read_dump([zipped(dump_text(server="16.2", tool="15.18"))])) == {FaultKind.OLD_TOOL}


def test_a_head_without_versions_is_caught() -> None:
    text = GOOD.replace("-- Dumped by pg_dump version", "-- Dumped by")
    assert kinds(read_dump([zipped(text)])) == {FaultKind.NO_VERSION}


@pytest.mark.parametrize("tail", [b"x", b"more than one byte"])
def test_bytes_behind_the_gzip_data_are_caught(tail: bytes) -> None:
    report = read_dump([zipped(GOOD), tail])
    assert kinds(report) == {FaultKind.TRAILING_DATA}


def test_nothing_is_read_after_the_gzip_data_was_found_damaged() -> None:
    reader = DumpReader()
    reader.feed(b"no gzip at all")
    reader.feed(zipped(GOOD))
    assert FaultKind.GZIP_DAMAGED in kinds(reader.finish())


def test_a_dump_that_ends_inside_a_quotation_is_caught() -> None:
    text = f"{GOOD}COMMENT ON TABLE public.users IS 'who\n"
    assert kinds(read_dump([zipped(text)])) == {FaultKind.CUT_INSIDE_STATEMENT}


def test_a_second_dump_behind_the_first_must_be_complete_too() -> None:
    second = "COPY public.late (id) FROM stdin;\n1\n\\.\n"
    assert kinds(read_dump([zipped(GOOD + second)])) == {FaultKind.NOT_COMPLETE}


def test_a_mark_without_a_line_feed_behind_it_counts() -> None:
    assert read_dump([zipped(GOOD[: GOOD.index(MARK) + len(MARK)])]).faults == ()


def test_members_written_one_after_another_are_one_file() -> None:
    half = len(GOOD) // 2
    whole = zipped(GOOD[:half]) + zipped(GOOD[half:])
    assert read_dump(pieces(whole, 1)).faults == ()


def test_a_line_without_end_is_refused_and_not_kept() -> None:
    text = GOOD.replace("SELECT", "x" * (2 * LINE_SIZE_MAX) + "\nSELECT", 1)
    assert kinds(read_dump([zipped(text)])) == {FaultKind.LINE_TOO_LONG}


def test_a_partitioned_table_needs_no_data_and_a_typed_one_does() -> None:
    split = "CREATE TABLE public.events (\n    at date\n)\nPARTITION BY RANGE (at);\n"
    assert read_dump([zipped(dump_text(statements=split))]).faults == ()
    typed = "CREATE TABLE public.people OF public.person;\n"
    assert kinds(read_dump([zipped(dump_text(statements=typed))])) == {FaultKind.TABLE_WITHOUT_DATA}


@pytest.mark.parametrize(
    "statements",
    [
        f"CREATE FUNCTION public.f() AS $_$\nCOPY public.x (id) FROM stdin;\n{MARK}\nit's\n$_$;\n",
        "COMMENT ON TABLE public.users IS 'it''s\nCOPY public.x (id) FROM stdin;\n-- that''s all';\n",
        '-- Name: it\'s "odd"; Type: TABLE\n',
        'CREATE VIEW public."it\'s" AS SELECT 1;\n',
        "CREATE FUNCTION public.g() AS $$ SELECT '------' $$;\n",
    ],
)
def test_what_stands_in_quotes_and_comments_is_no_statement(statements: str) -> None:
    report = read_dump([zipped(dump_text(statements=statements))])
    assert report.faults == ()
    assert "public.x" not in report.rows


def test_a_mark_in_a_function_body_does_not_complete_a_dump() -> None:
    text = dump_text(statements=f"CREATE FUNCTION public.f() AS $$\n{MARK}\n$$;\n")
    cut = text[: text.rindex(MARK)]
    assert kinds(read_dump([zipped(cut)])) == {FaultKind.NOT_COMPLETE}


_ODD = ("a", "Z", "0", " ", ".", ",", "(", ")", ";", "-", "--", "'", '"', "$", "$$", "$_$", "é", "😀", "COPY ")
_ENDS = (*_ODD, "\\", "\\.", "\n", "\r", "\t", "\\N", f"\n{MARK}\n", "\n\\.\n", "COPY public.x (id) FROM stdin;")


def _joined(parts: tuple[str, ...], *, at_least: int, at_most: int) -> st.SearchStrategy[str]:
    """Texts made of whatever could be taken for something else."""
    return st.lists(st.sampled_from(parts), min_size=at_least, max_size=at_most).map("".join)


def _identifier() -> st.SearchStrategy[str]:
    plain = st.sampled_from(("users", "messages", "a_1", "_", "copy", "from"))
    odd = _joined(_ODD, at_least=1, at_most=8)
    return plain | odd.map(lambda name: '"' + name.replace('"', '""') + '"')


def _escaped(value: str) -> str:
    """As COPY's text format writes a value."""
    for plain, escape in (("\\", "\\\\"), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")):
        value = value.replace(plain, escape)
    return value


_row = _joined(_ENDS, at_least=0, at_most=12).map(_escaped)
_tables = st.dictionaries(_identifier().map("public.{}".format), st.lists(_row, max_size=20), min_size=1, max_size=5)


@pytest.mark.no_cover
@given(tables=_tables, size=st.integers(1, 5000), level=st.integers(0, 9))
@settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_good_dump_is_ever_called_broken(tables: dict[str, list[str]], size: int, level: int) -> None:
    data = gzip.compress(dump_text(tables).encode(), level, mtime=0)
    report = read_dump(pieces(data, size))
    assert report.faults == ()
    assert report.rows == {name: len(rows) for name, rows in tables.items()}
    assert trend_faults(report, [report], Expectation(append_only=frozenset(tables))) == ()


@given(cut=st.integers(0, len(GOOD[: GOOD.rindex(MARK)].rstrip("-\n")) - 1))
@settings(max_examples=200, deadline=None)
def test_no_dump_cut_before_its_mark_is_called_whole(cut: int) -> None:
    assert read_dump([zipped(GOOD[:cut])]).faults


@given(at=st.integers(10, len(zipped(GOOD)) - 1), bit=st.integers(0, 7))
@settings(max_examples=200, deadline=None)
def test_a_flipped_bit_never_goes_unseen(at: int, bit: int) -> None:
    data = bytearray(zipped(GOOD))
    data[at] ^= 1 << bit
    assert read_dump([bytes(data)]).faults


def _large(rows: int) -> Iterator[bytes]:
    """A dump of so many rows, compressed as it goes."""
    deflate = zlib.compressobj(1, zlib.DEFLATED, 31)
    head, tail = dump_text({"public.messages": []}).split("\\.\n")
    yield deflate.compress(head.encode())
    thousand = "".join(f"{n}\thabari yako {n * 7919} na wewe\n" for n in range(1000)).encode()
    for _ in range(rows // 1000):
        yield deflate.compress(thousand)
    yield deflate.compress(f"\\.\n{tail}".encode()) + deflate.flush()


def test_memory_does_not_grow_with_the_dump() -> None:
    def peak(rows: int) -> int:
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        report = read_dump(_large(rows))
        assert (report.rows, report.faults) == ({"public.messages": rows}, ())
        return tracemalloc.get_traced_memory()[1] - before

    tracemalloc.start()
    try:
        small, large = peak(20_000), peak(200_000)
    finally:
        tracemalloc.stop()
    assert large < 4 << 20
    assert large < small * 1.5
