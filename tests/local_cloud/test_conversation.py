"""A child that does not answer is told for what it is and ended, instead of being waited for."""

import time
from pathlib import Path

import pytest

from scripts.local_cloud.processes.conversation import Conversation, ConversationEnded


def test_a_child_that_does_not_answer_is_ended_and_told_with_what_it_was_asked(tmp_path: Path) -> None:
    silent = Conversation("tests.local_cloud.silent", [], log=tmp_path / "log", answer_seconds_max=0.2)
    began = time.monotonic()
    with pytest.raises(ConversationEnded, match=r"silent did not answer start within 0\.2 s"):
        silent.ask({"ask": "start"})
    with pytest.raises(ConversationEnded, match="is gone"):
        silent.ask({"ask": "start"})
    silent.close()
    assert time.monotonic() - began < 30
