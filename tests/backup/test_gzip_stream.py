"""What a gzip file unfolds to, member after member."""

import gzip

from shared.backup.gzip_stream import GzipStream


def test_members_in_one_piece_all_come_out() -> None:
    stream = GzipStream()
    assert b"".join(stream.feed(gzip.compress(b"one ") + gzip.compress(b"two"))) == b"one two"
    assert (stream.finish(), stream.raw_size) == (None, 7)
