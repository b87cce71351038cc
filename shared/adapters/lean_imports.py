"""Google's client packages import only what is asked of them, which about halves their share of a cold start.

From Python 3.15 the packages do this themselves (`__lazy_modules__`, PEP 810); `install` stands in for it before that.
The `__init__` of a generated client package runs no more on import. Its submodules import as usual; a name it merely
re-exports is taken from the one module that defines it; any other name runs the real `__init__` after all. Of a
service's transports only gRPC is loaded; the others load when somebody constructs one. Key-file credentials, and with
them `cryptography`, load when used, and so do asyncio and gRPC's half for it, tracing, rarer objects of Cloud Storage,
the guessing of text encodings, protobuf in pure Python, and the HTTP client where only gRPC speaks
(`exchanged_imports`). The warnings about old Python and library versions are left out, making message classes takes
half as long (`message_files`), and modules are found sooner (`listed_modules`).

Nothing depends on this hook: without it, or with packages laid out otherwise, the same code runs and starts slower.
"""

import ast
import sys
import threading
from _frozen_importlib import ModuleSpec, _ModuleLockManager  # type: ignore[attr-defined]  # knows circles
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

from shared.adapters import exchanged_imports, listed_modules, message_files

if TYPE_CHECKING:
    from importlib.abc import Loader

VERIFIED = {
    "google-api-core": "2.44.0",
    "google-auth": "2.62.2",
    "google-cloud-monitoring": "2.32.0",
    "google-cloud-pubsub": "2.44.0",
    "google-cloud-run": "0.16.2",
    "google-cloud-storage": "3.17.1",
    "grpcio-status": "1.85.1",
    "httplib2": "0.32.1",
    "proto-plus": "1.29.0",
    "protobuf": "7.36.2",
    "requests": "2.34.2",
    "urllib3": "2.8.0",
}
"""The releases whose layout this was proved on; tests/adapters/test_lean_imports.py fails when they move."""

_CLIENTS = ("google.cloud.run_v2", "google.cloud.monitoring_v3", "google.pubsub_v1")
_DEFERRED = frozenset(
    {
        "asyncio",
        "charset_normalizer",
        "google.api_core._observability",
        "google.api_core.gapic_v1.config_async",
        "google.api_core.gapic_v1.method_async",
        "google.api_core.grpc_helpers_async",
        "google.api_core.operation_async",
        "google.api_core.operations_v1",
        "google.auth.aws",
        "google.auth.crypt",
        "google.auth.pluggable",
        "google.auth.transport.requests",
        "google.protobuf.internal.python_message",
        "google.protobuf.internal.type_checkers",
        "google.protobuf.pyext.cpp_message",
        "google.protobuf.text_format",
        "grpc.aio",
        "grpc_status._async",
        "grpc_status.rpc_status",
        "httplib2.auth",
        "idna",
        "opentelemetry.trace",
        "subprocess",
        "xml.etree.ElementTree",
    }
)
_UNUSED_TRANSPORTS = (".transports.grpc_asyncio", ".transports.rest")
_KEY_FILES = "google.oauth2.service_account"
_STAND_INS = {  # classes of objects that nobody makes here
    "google.cloud.storage.batch": frozenset({"Batch"}),
    "google.cloud.storage.fileio": frozenset({"BlobReader", "BlobWriter"}),
    "google.cloud.storage.hmac_key": frozenset({"HMACKeyMetadata"}),
    "google.cloud.storage.ip_filter": frozenset({"IPFilter"}),
}
_version_checks = {
    "google.api_core._python_package_support": (
        "check_dependency_versions",
        "warn_deprecation_for_versions_less_than",
        "parse_version_to_tuple",
        "DependencyConstraint",
    ),
    "google.api_core._python_version_support": ("check_python_version",),
}


def install() -> None:
    """Defers from now on; what is imported already stays as it is. A second call changes nothing."""
    if sys.version_info < (3, 15) and not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder:
    """Answers for the deferred modules, finds plain ones sooner, and leaves every other to Python."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        del target
        if name in _DEFERRED or _is_package(name):
            return _wrapped(name, path, _DeferredModule)
        if name.endswith(_UNUSED_TRANSPORTS) and name.startswith("google."):
            return _wrapped(name, path, _TransportModule)
        if name == _KEY_FILES:
            return _wrapped(name, path, _KeyFileModule)
        if name in _STAND_INS:
            return _wrapped(name, path, _UnusedModule)
        if exchanged_imports.concerns(name):
            return exchanged_imports.spec(name, path)
        if name == message_files.MODULE:
            return message_files.spec(name, path)
        if name in _version_checks:
            return _wrapped(name, path, _ChecksModule)
        return listed_modules.listed(name, path)


def _is_package(name: str) -> bool:
    """Whether it is a generated client, one of its services, or what holds its types, services or transports."""
    client = next((client for client in _CLIENTS if name.startswith(client)), None)
    if client is None:
        return False
    match name.removeprefix(client).split("."):
        case [""] | ["", "types" | "services"] | ["", "services", _] | ["", "services", _, "transports"]:
            return True
    return False


def _wrapped(name: str, path: Sequence[str] | None, kind: "type[_LazyModule]") -> ModuleSpec | None:
    spec = listed_modules.find_spec(name, path)
    if spec is not None and spec.loader is not None:
        spec.loader = cast("Loader", _Loader(spec.loader, kind))  # by duck typing
    return spec


class _Loader:
    """Makes the module and keeps the real loader for the day its code is needed."""

    def __init__(self, real: Any, kind: "type[_LazyModule]") -> None:
        self.real = real
        self._kind = kind

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return self._kind(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing yet: `_LazyModule._lean_run` does it."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


class _LazyModule(ModuleType):
    """A module whose code runs when one of its names cannot be had otherwise."""

    def _lean_run(self) -> None:
        """Runs the real code once. A thread that meets another here waits, as at any import, and never in a circle."""
        if "_lean_done" in self.__dict__ or self.__dict__.get("_lean_running") == threading.get_ident():
            return
        with _ModuleLockManager(f"{self.__name__} (lean)"):
            if "_lean_done" in self.__dict__:
                return
            self.__dict__["_lean_running"] = threading.get_ident()
            try:
                exec(self.__dict__["__spec__"].loader.real.get_code(self.__name__), self.__dict__)  # noqa: S102
                self.__dict__["_lean_done"] = True
            finally:
                del self.__dict__["_lean_running"]

    def _lean_named(self, name: str) -> Any:
        self._lean_run()
        try:
            return self.__dict__[name]
        except KeyError:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}") from None


class _DeferredModule(_LazyModule):
    """A package (or module) that knows where its names come from without running."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name not in ("__all__", "__version__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        path = self.__dict__.get("__path__")
        if path is None:
            return self._lean_named(name)
        child = f"{self.__name__}.{name}"
        if child in sys.modules or listed_modules.find_spec(child, path) is not None:
            return import_module(child)
        source = self._sources().get(name)
        if source is None:
            return self._lean_named(name)
        value = getattr(import_module(source[0]), source[1])
        self.__dict__[name] = value
        return value

    def _sources(self) -> dict[str, tuple[str, str]]:
        """Where each `from … import name` of the code points to: name to (module, name there)."""
        known = self.__dict__.get("_lean_sources")
        if known is None:
            text = self.__dict__["__spec__"].loader.real.get_source(self.__name__)
            known = self.__dict__["_lean_sources"] = {
                alias.asname or alias.name: (self._absolute(node), alias.name)
                for node in ast.parse(text).body
                if isinstance(node, ast.ImportFrom) and self._absolute(node).startswith(f"{self.__name__}.")
                for alias in node.names
            }
        return dict(known)

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        base = self.__name__.split(".")
        return ".".join([*base[: len(base) - node.level + 1], *([node.module] if node.module else [])])


class _StandInModule(_LazyModule):
    """A module nobody needs yet: its classes are stand-ins."""

    def _lean_stands_in(self, name: str) -> bool:
        raise NotImplementedError

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        if "_lean_done" in self.__dict__ or not self._lean_stands_in(name):
            return self._lean_named(name)
        return _StandIn(name, (), {"__module__": self.__name__, "_lean_module": self})


class _TransportModule(_StandInModule):
    """A transport nobody chose."""

    def _lean_stands_in(self, name: str) -> bool:
        return name.endswith(("Transport", "Interceptor"))


class _KeyFileModule(_StandInModule):
    """Credentials from a key file, which a session asks after although on Google Cloud nobody has one."""

    def _lean_stands_in(self, name: str) -> bool:
        return name.endswith("Credentials")


class _UnusedModule(_StandInModule):
    """A part of Cloud Storage that nobody uses, such as several calls in one request."""

    def _lean_stands_in(self, name: str) -> bool:
        return name in _STAND_INS[self.__name__]


class _StandIn(type):
    """A class nobody has loaded, so nothing is an instance of it. Using it any other way is using the real one."""

    def __call__(cls, *arguments: Any, **options: Any) -> Any:
        return cls._real()(*arguments, **options)

    def __getattr__(cls, name: str) -> Any:
        return getattr(cls._real(), name)

    def __instancecheck__(cls, instance: object) -> bool:
        return "_lean_done" in cls.__dict__["_lean_module"].__dict__ and isinstance(instance, cls._real())

    def _real(cls) -> Any:
        return cls.__dict__["_lean_module"]._lean_named(cls.__name__)  # noqa: SLF001  # one of ours


class _ChecksModule(_LazyModule):
    """The version warnings of google.api_core, silent; they read every installed package's metadata."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        if name not in _version_checks[self.__name__]:
            return self._lean_named(name)
        return _silent


def _silent(*arguments: object, **options: object) -> None:
    del arguments, options
