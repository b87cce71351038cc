"""A line that people on 2G have, on this machine: real TCP, packet by packet as slow, far and lossy as asked."""

from collections.abc import Sequence
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from scripts.local_cloud.processes.conversation import Conversation
from shared.connectivity.lines import Line

SERVER, CLIENT = "10.78.0.1", "10.78.0.2"  # in namespaces of their own, so that they collide with nothing
PORT = 80
ORIGIN = f"http://{SERVER}"


class LossyLine:
    """Two ends and what lies between them; nothing leaves them, and both go when it stops or its process dies.

    Linux and root: `namespaces.lacking` says what is missing. log: what its process complains of.
    """

    def __init__(self, log: Path) -> None:
        self._log = log
        self._forwarder: Conversation | None = None
        self._client = ""

    def start(self) -> None:
        self._forwarder = Conversation("scripts.lossy_line.forwarder", [], log=self._log)
        descriptor = self._forwarder.ask({"ask": "client"})
        self._client = f"/proc/{self._forwarder.pid}/fd/{descriptor}"

    def stop(self) -> None:
        if self._forwarder is not None:
            self._forwarder.close()
            self._forwarder = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def become(self, line: Line) -> None:
        """Both directions are as fast; what a visitor sends is little."""
        self._ask(ask="become", line=list(line))

    def lead_to(self, uri: str) -> None:
        """What is asked of ORIGIN at the client's end is answered by this address of our loopback."""
        self._ask(ask="lead", to_port=urlsplit(uri).port)

    def cut(self) -> None:
        """No packet arrives any more, and nobody is told: as in a tunnel."""
        self._ask(ask="cut", cut=True)

    def mend(self) -> None:
        self._ask(ask="cut", cut=False)

    def counts(self) -> dict[str, dict[str, int]]:
        """Packets by direction ("down" is to the client) and by what became of them."""
        found: dict[str, dict[str, int]] = self._ask(ask="counts")
        return found

    def at_the_client(self, command: Sequence[str]) -> list[str]:
        """The command, run at the client's end."""
        return ["nsenter", f"--net={self._client}", "--", *command]

    def _ask(self, **question: object) -> dict[str, dict[str, int]]:
        assert self._forwarder is not None, "start it first"
        answer: dict[str, dict[str, int]] = self._forwarder.ask(question)
        return answer
