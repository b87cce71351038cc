"""The import hook still bites on the releases in use, and does no harm where it does not."""

from importlib.metadata import version

import pytest

from shared.adapters.lean_imports import VERIFIED
from tests.adapters.fresh_process import LEAN, alone

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


def test_rarer_objects_of_cloud_storage_are_real_once_they_are_made() -> None:
    told = """
from google.auth.credentials import AnonymousCredentials
from google.cloud.storage import Client
from google.cloud.storage.hmac_key import HMACKeyMetadata
from google.cloud.storage.ip_filter import IPFilter
client = Client(project="demo", credentials=AnonymousCredentials())
key, reader = HMACKeyMetadata(client, "id"), client.bucket("bucket").blob("key").open("rb")
told = [type(one).__name__ for one in (key, reader, IPFilter())]
told += [key.access_id, reader.readable(), isinstance(key, HMACKeyMetadata), IPFilter().mode]
"""
    assert alone(LEAN + told) == alone(told)
