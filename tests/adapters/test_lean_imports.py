"""The import hook still bites on the releases in use, and does no harm where it does not."""

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from shared.adapters.lean_imports import VERIFIED

REPOSITORY = Path(__file__).parents[2]
LEAN = "from shared.adapters import lean_imports; lean_imports.install(); lean_imports.install()\n"
CLIENTS = """
from google.cloud.run_v2 import ServicesClient, RevisionsClient
from google.cloud.monitoring_v3 import MetricServiceClient
from google.pubsub_v1 import PublisherClient
from google.cloud.storage import Client
"""
ADAPTERS = """
from shared.adapters.cloud_run import CloudRun
from shared.adapters.monitoring import CloudMonitoring
from shared.adapters.pubsub import PubSubMessages
from shared.adapters.storage import StorageLedger
"""
HEAVY = {
    "cryptography",
    "google.cloud.run_v2.services.jobs.client",
    "google.cloud.run_v2.services.services.async_client",
    "google.cloud.monitoring_v3.services.uptime_check_service.client",
    "google.pubsub_v1.services.subscriber.client",
    "google.api_core.operations_v1.transports.rest_asyncio",
    "grpc.aio._channel",
    "asyncio.base_events",
    "opentelemetry.trace.span",
    "charset_normalizer.cd",
    "google.protobuf.internal.decoder",
}


def alone(code: str) -> Any:
    """What `code` leaves in `told`, in a process of its own."""
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", f"import json, sys\n{code}\nprint(json.dumps(told))"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_the_releases_in_use_are_the_ones_it_was_proved_on() -> None:
    assert {name: version(name) for name in VERIFIED} == VERIFIED


@pytest.mark.parametrize("imports", [CLIENTS, ADAPTERS])
def test_it_bites_what_nobody_asked_for_stays_unloaded(imports: str) -> None:
    told = "told = [name for name in sys.modules if not name.startswith('_')]"
    full, lean = set(alone(CLIENTS + told)), set(alone(LEAN + imports + told))
    assert len(lean) < len(full) * 0.7
    assert not lean & HEAVY
    assert full >= HEAVY


def test_the_same_names_are_the_same_objects_with_it_and_without() -> None:
    """Every public name of every package, one by one; those no submodule defines run the real `__init__`."""
    told = """
import importlib
told = {}
for package in ("google.cloud.run_v2", "google.cloud.monitoring_v3", "google.pubsub_v1", "google.cloud.run_v2.types"):
    module = importlib.import_module(package)
    for name in module.__all__:
        value = getattr(module, name)
        told[f"{package}.{name}"] = [value.__module__, value.__qualname__] if isinstance(value, type) else str(value)
"""
    assert alone(LEAN + told) == alone(told)


def test_a_re_exported_name_loads_only_its_own_module() -> None:
    told = """
from google.cloud.run_v2 import TrafficTarget
told = [TrafficTarget.__module__, "google.cloud.run_v2.types.service" in sys.modules, "grpc" in sys.modules]
"""
    assert alone(LEAN + told) == ["google.cloud.run_v2.types.traffic_target", False, False]


def test_an_unknown_name_falls_back_to_the_real_init_and_then_is_an_attribute_error() -> None:
    told = """
from google.cloud import run_v2
told = ["google.cloud.run_v2.services.jobs.client" in sys.modules]
try:
    run_v2.NoSuchThing
except AttributeError as error:
    told += [str(error), "google.cloud.run_v2.services.jobs.client" in sys.modules, run_v2.__version__]
"""
    missing = "module 'google.cloud.run_v2' has no attribute 'NoSuchThing'"
    assert alone(LEAN + told) == [False, missing, True, version("google-cloud-run")]


def test_a_transport_that_nobody_chose_becomes_real_when_it_is_constructed() -> None:
    told = """
from google.auth.credentials import AnonymousCredentials
from google.cloud.run_v2 import ServicesClient
unloaded = ServicesClient.get_transport_class("rest")
client = ServicesClient(credentials=AnonymousCredentials(), transport="rest")
told = [type(client.transport).__name__, type(client.transport) is unloaded, client.transport.kind]
client.transport.close()
"""
    assert alone(LEAN + told) == ["ServicesRestTransport", False, "rest"]


def test_key_file_credentials_still_work() -> None:
    told = """
from google.oauth2 import service_account
from google.auth import crypt
told = [service_account.Credentials.__name__, crypt.RSASigner.__name__, "cryptography" in sys.modules]
"""
    assert alone(LEAN + told) == ["Credentials", "RSASigner", True]


def test_a_session_asks_after_key_files_without_loading_what_reads_them() -> None:
    told = """
from google.auth.credentials import AnonymousCredentials
from google.auth.transport.requests import AuthorizedSession
session = AuthorizedSession(AnonymousCredentials())
session.close()
told = ["cryptography" in sys.modules]
from google.oauth2 import service_account
try:
    service_account.Credentials.from_service_account_info({})
except ValueError as error:
    told += [type(error).__name__, "cryptography" in sys.modules]
info = {"client_email": "a@b", "token_uri": "https://c"}
class Signer:
    key_id = "k"
credentials = service_account.Credentials(Signer(), info["client_email"], info["token_uri"])
told += [isinstance(credentials, service_account.Credentials), type(credentials).__name__]
session = AuthorizedSession(credentials)
session.close()
"""
    assert alone(LEAN + told) == [False, "MalformedError", True, True, "Credentials"]


def test_what_is_imported_already_stays_as_it_is() -> None:
    told = """
from google.cloud import run_v2
before = run_v2.ServicesClient
from shared.adapters import lean_imports
lean_imports.install()
from google.cloud import run_v2 as again
told = [again is run_v2, again.ServicesClient is before, type(run_v2).__name__]
"""
    assert alone(told) == [True, True, "module"]


def test_many_threads_that_ask_at_once_get_the_same_class() -> None:
    told = """
from concurrent.futures import ThreadPoolExecutor
from google.cloud import run_v2
names = ["ServicesClient", "RevisionsClient", "Service", "JobsClient", "__version__"] * 8
with ThreadPoolExecutor(16) as threads:
    found = list(threads.map(lambda name: id(getattr(run_v2, name)), names))
told = len(set(found))
"""
    assert alone(LEAN + told) == 5


def test_where_the_hook_installs_nothing_the_adapters_work_the_same() -> None:
    told = "ours, sys.version_info = sys.version_info, (3, 15)\n" + LEAN + "sys.version_info = ours\n" + ADAPTERS
    told += "told = [any('lean' in type(finder).__module__ for finder in sys.meta_path), CloudRun.__name__]"
    assert alone(told) == [False, "CloudRun"]


def test_what_is_put_off_works_when_it_is_asked_for_after_all() -> None:
    told = """
import asyncio
import grpc
import subprocess
import xml.etree.ElementTree as tree
from charset_normalizer import from_bytes
from google.cloud.storage.batch import Batch
from google.protobuf.internal import type_checkers
from opentelemetry import trace

async def two():
    await asyncio.sleep(0)
    return 2

told = [
    asyncio.run(two()),
    issubclass(grpc.aio.AioRpcError, grpc.RpcError),
    subprocess.run([sys.executable, "-c", "print(7)"], capture_output=True, text=True).stdout,
    type_checkers.ToShortestFloat(0.5),
    tree.fromstring("<a><b/></a>")[0].tag,
    str(from_bytes("schön".encode()).best()),
    Batch.__mro__[-1].__name__,
    type(trace.get_current_span()).__name__,
]
"""
    assert alone(LEAN + CLIENTS + told) == alone(told)


def test_where_only_grpc_speaks_no_http_client_is_loaded() -> None:
    told = """
from shared.adapters.cloud_run import CloudRun
from shared.adapters.pubsub import PubSubMessages
told = [name for name in sys.modules if name.partition(".")[0] in ("requests", "urllib3")]
"""
    assert alone(LEAN + told) == []


def test_a_failed_call_is_understood_without_asyncio() -> None:
    told = """
from shared.adapters import google_api
from shared.adapters.cloud_run import CloudRun
from shared.errors import Unavailable
import socket
google_api.READ_SECONDS = 0.3  # a second attempt, and no more
with socket.socket() as taken:
    taken.bind(("127.0.0.1", 0))
    run = CloudRun("p", "r", f"127.0.0.1:{taken.getsockname()[1]}")
    try:
        run.get("web")
    except Unavailable:
        told = ["grpc.aio._channel" in sys.modules, "asyncio.base_events" in sys.modules]
run.close()
"""
    assert alone(LEAN + told) == [False, False]


def test_the_errors_of_the_http_client_are_recognised_and_caught_once_it_is_used() -> None:
    told = """
from google.api_core.retry import if_transient_error  # names the client's errors before anybody loaded it
told = ["requests" in sys.modules, if_transient_error(ValueError())]
import requests
from requests.exceptions import ConnectionError as again
try:
    requests.get("http://127.0.0.1:1/", timeout=1, proxies={"http": None})
except requests.RequestException as error:
    told += [type(error) is requests.exceptions.ConnectionError is again, if_transient_error(error)]
told += [if_transient_error(requests.exceptions.ChunkedEncodingError()), if_transient_error(requests.URLRequired())]
"""
    assert alone(LEAN + told) == [False, False, True, True, True, False]


def test_threads_that_meet_at_a_module_run_it_once() -> None:
    """Run twice, its first class would no longer be the one that its own `super(Name, self)` means."""
    told = """
import threading
from concurrent.futures import ThreadPoolExecutor
from google.auth.credentials import AnonymousCredentials
import google.auth.transport.requests as transport
sys.setswitchinterval(1e-6)
together = threading.Barrier(8)

def ask(_):
    together.wait()
    session = transport.AuthorizedSession(AnonymousCredentials())
    session.close()
    return type(session)

with ThreadPoolExecutor(8) as threads:
    told = [kind is transport.AuthorizedSession for kind in threads.map(ask, range(8))]
"""
    assert alone(LEAN + told) == [True] * 8


def test_cloud_sql_s_client_parses_no_challenge_until_there_is_one() -> None:
    told = """
from shared.adapters.cloud_sql import CloudSql
told = ["pyparsing" in sys.modules]
import httplib2
answer = httplib2.Response({"www-authenticate": 'Basic realm="here"'})
told += [httplib2.auth._parse_www_authenticate(answer), "pyparsing" in sys.modules]
"""
    assert alone(LEAN + told) == [False, {"basic": {"realm": "here"}}, True]


def test_patterns_that_compile_late_match_the_same() -> None:
    told = """
import json
from http import cookiejar, cookies
from urllib.request import Request
from urllib3.util import parse_url
urls = ["http://[fe80::1%25eth0]:80/a?b#c", "HTTP://Example.ORG:8080/%7ea b", "/only/path", "https://a@b.c:1"]
told = [parse_url(url).url for url in urls]
for broken in ("http://[fe80::1", "http://[host]/", "http://fe80::1]:80/"):
    try:
        told.append(parse_url(broken).url)
    except ValueError as error:
        told.append(str(error))
told.append(cookies.SimpleCookie('a=b; Path=/; c="d e"').output())
told += [cookiejar.http2time("Wed, 09 Feb 1994 22:23:32 GMT"), cookiejar.split_header_words(['a="b c"; d'])]
told += [Request("http://h:81/p").host, cookiejar.http2time("no time"), str(cookiejar.re.escape("a.b"))]
told.append(type(cookiejar.HEADER_VALUE_RE.match(" = v ")).__name__)
"""
    assert alone(LEAN + told) == alone(told)


def test_patterns_of_google_s_libraries_that_compile_late_match_the_same() -> None:
    told = """
from google.api_core import datetime_helpers, path_template
from google.cloud.storage import Blob, notification
from google.cloud.storage._media import _download, _upload
from google.protobuf import json_format, struct_pb2, text_encoding
from requests._internal_utils import HEADER_VALIDATORS
parsed = datetime_helpers.DatetimeWithNanoseconds.from_rfc3339("2026-11-26T08:00:00.123456789Z")
told = [
    parsed.nanosecond,
    path_template.expand("users/*/{name=shelves/*}", "me", name="shelves/1"),
    path_template.validate("users/*/shelves/{s}", "users/me/shelves/1"),
    Blob.from_uri("gs://bucket/a/b").name if hasattr(Blob, "from_uri") else Blob.from_string("gs://bucket/a/b").name,
    notification._parse_topic_path("//pubsub.googleapis.com/projects/project-1/topics/a-topic"),
    _download._CONTENT_RANGE_RE.match("Bytes 0-1/2").group("total_bytes"),
    _upload._BYTES_RANGE_RE.match("BYTES=0-7").group("end_byte"),
    text_encoding.CUnescape("\\\\x41b").decode(),
    [[bool(one.match(text)) for one in HEADER_VALIDATORS[type(text)]] for text in ("a b", " a", b"a:b")],
]
try:
    json_format.Parse('"\\\\ud800"', struct_pb2.Value())
except json_format.ParseError as error:
    told.append(str(error))
"""
    assert alone(LEAN + told) == alone(told)


def test_the_clients_types_say_nothing_and_everybody_else_s_what_they_mean() -> None:
    told = """
import inspect, typing
from google.cloud.run_v2.services.services.client import ServicesClient
from google.cloud.run_v2.services.services.transports.grpc import ServicesGrpcTransport
signature = inspect.signature(ServicesClient.get_service)
told = [
    list(signature.parameters),
    [str(one.default) for one in signature.parameters.values()][:4],
    typing.get_type_hints(ServicesGrpcTransport.get_service.fget)["return"].__args__[0].__name__,
    str(typing.Optional[int]),
]
"""
    assert alone(LEAN + told) == alone(told)


def test_a_file_of_message_classes_is_gone_through_when_its_last_name_is_there_and_not_after_each() -> None:
    """The same classes come of it, registered and whole."""
    told = """
import proto.message
files = proto.message._file_info._FileInfo
fields, gone_through = files.unresolved_fields, []
files.unresolved_fields = property(lambda file: gone_through.append(file.name) or fields.fget(file))
from google.pubsub_v1.types import pubsub
message = pubsub.PubsubMessage(data=b"d", attributes={"a": "b"}, ordering_key="o")
told = [
    len(gone_through) < 20,
    [name for name in pubsub.__protobuf__.manifest if not getattr(pubsub, name).pb().DESCRIPTOR.full_name],
    pubsub.PubsubMessage.serialize(message).hex(),
    files.registry.keys() & {"google/pubsub_v1/types/pubsub.proto", "google/pubsub_v1/types/schema.proto"} == set(),
]
"""
    without = alone(told)
    assert alone(LEAN + told) == [True, *without[1:]]
    assert without[0] is False
