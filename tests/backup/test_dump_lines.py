"""A dump in pieces: statements line by line, table data only counted."""

from shared.backup.dump_lines import LINE_SIZE_MAX, DumpLines


def read(*pieces: bytes) -> tuple[list[bytes], DumpLines]:
    lines: list[bytes] = []
    dump = DumpLines(lines.append)
    for piece in pieces:
        dump.feed(piece)
    return lines, dump


def test_a_line_is_told_when_it_has_ended() -> None:
    lines, dump = read(b"SET a", b" = 1;\nSET b")
    assert lines == [b"SET a = 1;"]
    dump.finish()
    assert lines == [b"SET a = 1;", b"SET b"]


def test_nothing_is_told_of_a_last_line_that_is_not_there() -> None:
    lines, dump = read(b"SET a = 1;\n")
    dump.finish()
    assert lines == [b"SET a = 1;"]


def test_data_of_a_table_that_comes_twice_adds_up() -> None:
    block = b"COPY public.rooms FROM stdin;\n1\n2\n\\.\n"
    lines, dump = read(block, block)
    assert dump.rows == {"public.rooms": 4}
    assert lines == [b"COPY public.rooms FROM stdin;"] * 2


def test_a_line_of_the_greatest_size_is_read_and_of_a_longer_one_nothing_is_kept() -> None:
    lines, dump = read(b"a" * LINE_SIZE_MAX, b"\n")
    assert (len(lines[0]), dump.too_long) == (LINE_SIZE_MAX, False)
    lines, dump = read(b"a" * (LINE_SIZE_MAX + 1), b"b\n")
    assert (lines, dump.too_long) == ([b"b"], True)
