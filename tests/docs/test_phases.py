"""The drawing of the phases is the table."""

from scripts.draw_phases import PAGE, drawn


def test_the_drawing_is_the_table() -> None:
    assert drawn(PAGE.read_text()) == PAGE.read_text()
