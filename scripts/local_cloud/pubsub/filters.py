"""Pub/Sub's subscription filters: which messages a subscription keeps, by their attributes.

Grammar: https://cloud.google.com/pubsub/docs/subscription-message-filter#filtering_syntax
AND and OR may not be mixed without parentheses, as in the real service.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Predicate = Callable[[Mapping[str, str]], bool]

LENGTH_MAX_BYTES = 256

_TOKEN = re.compile(
    r"""\s*(?:(?P<string>"(?:[^"\\\n]|\\.)*")|(?P<word>[A-Za-z_][A-Za-z0-9_-]*)|(?P<sign>!=|[=:().,-]))""",
    re.DOTALL,
)
_KEYWORDS = {"AND", "OR", "NOT"}


class InvalidFilter(ValueError):
    """The text is no filter; the message says where it goes wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Token:
    kind: str
    text: str


_END = _Token(kind="end", text="end of filter")


def parse_filter(text: str) -> Predicate:
    """What the filter says of a message's attributes. An empty filter keeps everything. Raises InvalidFilter."""
    if len(text.encode()) > LENGTH_MAX_BYTES:
        raise InvalidFilter(f"longer than {LENGTH_MAX_BYTES} bytes")
    tokens = _tokens(text)
    if not tokens:
        return lambda _attributes: True
    parser = _Parser(tokens)
    predicate = parser.expression()
    parser.expect("end")
    return predicate


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    position, text = 0, text.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            raise InvalidFilter(f"unexpected text at {position}: {text[position:][:20]!r}")
        word = match[match.lastgroup]
        kind = word if match.lastgroup == "sign" or word in _KEYWORDS else match.lastgroup
        found.append(_Token(kind=kind, text=word))
        position = match.end()
    return found


class _Parser:
    """Recursive descent: expression → terms joined by one operator → negations → conditions."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._position = 0

    def expression(self) -> Predicate:
        terms = [self._term()]
        operator = self._next.kind
        if operator not in {"AND", "OR"}:
            return terms[0]
        while self._next.kind in {"AND", "OR"}:
            if self._take().kind != operator:
                raise InvalidFilter("AND and OR together need parentheses")
            terms.append(self._term())
        joined = all if operator == "AND" else any
        return lambda attributes: joined(term(attributes) for term in terms)

    def expect(self, *kinds: str) -> _Token:
        if self._next.kind not in kinds:
            raise InvalidFilter(f"expected {' or '.join(kinds)}, not {self._next.text!r}")
        return self._take()

    @property
    def _next(self) -> _Token:
        return self._tokens[self._position] if self._position < len(self._tokens) else _END

    def _take(self) -> _Token:
        token = self._next
        self._position += 1
        return token

    def _term(self) -> Predicate:
        if self._next.kind in {"NOT", "-"}:
            self._take()
            denied = self._term()
            return lambda attributes: not denied(attributes)
        if self._next.kind == "(":
            self._take()
            inside = self.expression()
            self.expect(")")
            return inside
        if self._next == _Token(kind="word", text="hasPrefix"):
            return self._prefix()
        return self._comparison()

    def _prefix(self) -> Predicate:
        self._take()
        self.expect("(")
        self._attributes()
        self.expect(".")
        key = self._key()
        self.expect(",")
        prefix = self._string()
        self.expect(")")
        return lambda attributes: attributes.get(key, "").startswith(prefix) and key in attributes

    def _comparison(self) -> Predicate:
        self._attributes()
        if self.expect(":", ".").kind == ":":
            present = self._key()
            return lambda attributes: present in attributes
        key = self._key()
        equal = self.expect("=", "!=").kind == "="
        value = self._string()
        return lambda attributes: (attributes.get(key) == value) is equal

    def _attributes(self) -> None:
        word = self.expect("word")
        if word.text != "attributes":
            raise InvalidFilter(f"expected attributes, not {word.text!r}")

    def _key(self) -> str:
        token = self.expect("word", "string")
        return _unquoted(token.text) if token.kind == "string" else token.text

    def _string(self) -> str:
        return _unquoted(self.expect("string").text)


def _unquoted(text: str) -> str:
    try:
        return str(json.loads(text))
    except ValueError as error:
        raise InvalidFilter(f"unreadable string {text}") from error
