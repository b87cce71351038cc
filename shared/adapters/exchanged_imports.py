"""A few library modules get something lighter for one of their imports; nobody else's import of it is touched.

Those with regular expressions get a `re` whose patterns compile when they are first used, which most of them never
are: compiling took longer than everything else in some of these modules. One for addresses in brackets is asked of
every URL's host, and compiles for one in brackets. The retry policies, which name an HTTP client's errors to recognise
them, get names that mean the same and do not load the client: where only gRPC speaks, nothing else would. gRPC and the
clients, which work out the types of their annotations while they load, get a `typing` that does not check them. Cloud
SQL's client gets the classes for uploads when it uploads something.
"""

import builtins
import re
import sys
import typing
from _frozen_importlib import ModuleSpec
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from types import GenericAlias, ModuleType
from typing import TYPE_CHECKING, Any, Final, cast

from shared.adapters import listed_modules

if TYPE_CHECKING:
    from importlib.abc import Loader


def concerns(module: str) -> bool:
    """Whether it gets something else for one of its imports."""
    return module in _EXCHANGED or (
        module.startswith("google.") and ".services." in module and module.endswith(_ANNOTATED)
    )


def spec(module: str, path: Sequence[str] | None) -> ModuleSpec | None:
    """As it would be found without us, but for the loader."""
    found = listed_modules.find_spec(module, path)
    if found is not None and found.loader is not None:
        found.loader = cast("Loader", _Loader(found.loader, _EXCHANGED.get(module, _UNCHECKED)))  # by duck typing
    return found


class _Loader:
    """Runs the module as ever, with one import exchanged."""

    def __init__(self, real: Any, exchanged: Mapping[str, Any]) -> None:
        self._real = real
        self._exchanged = exchanged

    def create_module(self, spec: ModuleSpec) -> None:
        """Python's own kind of module will do."""

    def exec_module(self, module: ModuleType) -> None:
        module.__dict__["__builtins__"] = {**vars(builtins), "__import__": self._import}
        self._real.exec_module(module)

    def _import(
        self, name: str, scope: Any = None, local: Any = None, names: Sequence[str] = (), level: int = 0
    ) -> Any:
        """As `__import__`."""
        if name in self._exchanged:
            return self._exchanged[name]
        return builtins.__import__(name, scope, local, names, level)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class _Lighter(ModuleType):
    """A module with some names of ours; any other is the real one's."""

    def __init__(self, name: str, **ours: Any) -> None:
        super().__init__(name)
        self.__dict__.update(ours)

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self.__name__), name)


class _LatePattern:
    """Compiled by the first question for one of its methods, which is all that these modules ask of it."""

    def __init__(self, pattern: str, flags: int = 0) -> None:
        self._made_of = pattern, flags

    def __getattr__(self, name: str) -> Any:
        value = self.__dict__[name] = getattr(re.compile(*self._made_of), name)
        return value


class _LateUrlPattern:
    """What it says of an address in brackets (IPv6) compiles for a text that begins with one: nearly no host does."""

    def __init__(self, pattern: str, flags: int = 0) -> None:
        self._whole = _LatePattern(pattern, flags)
        begin, end = pattern.find(r"|\["), pattern.rfind(r"\])") + 2
        self._plain = self._whole if begin < 0 else _LatePattern(pattern[:begin] + pattern[end:], flags)
        self._in_brackets = pattern.startswith(r"^\[")

    def match(self, text: str) -> re.Match[str] | None:
        return self._found("match", text)

    def fullmatch(self, text: str) -> re.Match[str] | None:
        return self._found("fullmatch", text)

    def _found(self, method: str, text: str) -> re.Match[str] | None:
        bracket = text.startswith("[")
        if self._in_brackets and not bracket:
            return None
        found: re.Match[str] | None = getattr(self._whole if bracket else self._plain, method)(text)
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._whole, name)


class _Unchecked:
    """A special form of `typing` that keeps what is put in its brackets as it is: neither checked nor remembered."""

    def __init__(self, form: Any) -> None:
        self._form = form

    def __getitem__(self, said: Any) -> GenericAlias:
        origin: Any = self._form
        if origin is typing.Optional:
            origin, said = typing.Union, (said, None)
        elif origin is typing.Callable:
            parameters, returned = said
            said = (*parameters, returned) if isinstance(parameters, list) else said
            origin = Callable
        return GenericAlias(origin, said)


class _LateClass:
    """Loaded when an instance is wanted."""

    def __init__(self, module: str, name: str) -> None:
        self._lies_at = module, name

    def __call__(self, *arguments: Any) -> Any:
        module, name = self._lies_at
        return getattr(import_module(module), name)(*arguments)


class _ErrorName(type):
    """An error of the HTTP client by its name: before the client is loaded there is none."""

    def __instancecheck__(cls, instance: object) -> bool:
        errors = sys.modules.get("requests.exceptions")
        return isinstance(instance, getattr(errors, cls.__name__, ()))


_ANNOTATED: Final = (".client", ".pagers", ".transports.base", ".transports.grpc")
_LATE_RE: Final = {"re": _Lighter("re", compile=_LatePattern)}
_ERRORS: Final = {name: _ErrorName(name, (), {}) for name in ("ConnectionError", "ChunkedEncodingError")}
_NO_CLIENT: Final = _Lighter("requests", exceptions=_Lighter("requests.exceptions", **_ERRORS))
_FORMS: Final = (
    *("Callable", "Dict", "Iterable", "Iterator", "List", "Mapping", "MutableMapping", "MutableSequence", "Optional"),
    *("Sequence", "Tuple", "Type", "Union"),
)
_UNCHECKED: Final = {"typing": _Lighter("typing", **{name: _Unchecked(getattr(typing, name)) for name in _FORMS})}
_NO_UPLOADS: Final = {
    module: _Lighter(module, **{name: _LateClass(module, name)})
    for module, name in (
        ("email.mime.multipart", "MIMEMultipart"),
        ("email.mime.nonmultipart", "MIMENonMultipart"),
    )
}
_EXCHANGED: Final[Mapping[str, Mapping[str, Any]]] = {
    **dict.fromkeys(
        (
            "google.api_core.datetime_helpers",
            "google.api_core.path_template",
            "google.cloud._helpers",
            "google.cloud.storage._media._download",
            "google.cloud.storage._media._upload",
            "google.cloud.storage.blob",
            "google.cloud.storage.notification",
            "google.protobuf.json_format",
            "google.protobuf.text_encoding",
            "http.cookiejar",
            "http.cookies",
            "httplib2",
            "proto.datetime_helpers",
            "requests._internal_utils",
            "urllib.request",
            "urllib3.connection",
        ),
        _LATE_RE,
    ),
    **dict.fromkeys(
        (
            "google.api_core.client_options",
            "google.auth._helpers",
            "grpc._channel",
            "grpc._common",
            "grpc._interceptor",
            "grpc._observability",
            "grpc._simple_stubs",
            "grpc._typing",
            "grpc.experimental",
        ),
        _UNCHECKED,
    ),
    "google.auth.transport._mtls_helper": {**_LATE_RE, **_UNCHECKED},
    "googleapiclient.discovery": _NO_UPLOADS,
    "googleapiclient.http": _NO_UPLOADS,
    "urllib3.util.url": {"re": _Lighter("re", compile=_LateUrlPattern)},
    "google.api_core.retry.retry_base": {"requests.exceptions": _NO_CLIENT},  # `import a.b` binds a
}
