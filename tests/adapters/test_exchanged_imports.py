"""What a library module gets instead of one of its imports does the same."""

from tests.adapters.fresh_process import LEAN, alone


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
from google.auth.transport import _mtls_helper
from google.cloud import _helpers
from proto import datetime_helpers as proto_datetime_helpers
from requests._internal_utils import HEADER_VALIDATORS
from urllib3 import connection
import httplib2
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
    proto_datetime_helpers.DatetimeWithNanoseconds.from_rfc3339("2026-11-26T08:00:00.5Z").nanosecond,
    _helpers._rfc3339_nanos_to_datetime("2026-11-26T08:00:00.123456789Z").microsecond,
    _mtls_helper._CERT_REGEX.findall(b"-----BEGIN CERTIFICATE-----\\nQUJD\\n-----END CERTIFICATE-----") != [],
    connection._OBSOLETE_FOLD_RE.sub(" ", "a\\r\\n b"),
    httplib2.parse_uri("http://host:80/path?query#fragment"),
    httplib2.safename("http://host/path with blanks"),
    [[bool(one.match(text)) for one in HEADER_VALIDATORS[type(text)]] for text in ("a b", " a", b"a:b")],
]
try:
    json_format.Parse('"\\\\ud800"', struct_pb2.Value())
except json_format.ParseError as error:
    told.append(str(error))
"""
    assert alone(LEAN + told) == alone(told)


def test_the_types_of_the_clients_are_what_they_were_and_unchecked() -> None:
    told = """
import typing
from google.cloud.monitoring_v3.services.metric_service.client import MetricServiceClient
from google.cloud.run_v2.services.services.client import ServicesClient
from google.pubsub_v1.services.publisher.client import PublisherClient
said = [ServicesClient.get_service, MetricServiceClient.list_time_series, PublisherClient.publish]
told = [{name: str(hint) for name, hint in typing.get_type_hints(one).items()} for one in said]
try:
    typing.Optional[1]  # everybody else's are checked
except TypeError as error:
    told.append(str(error))
"""
    assert alone(LEAN + told) == alone(told)


def test_what_a_local_cloud_reads_of_the_transports_types_is_the_same() -> None:
    told = """
from google.cloud.monitoring_v3.services.metric_service.transports.grpc import MetricServiceGrpcTransport
from google.cloud.run_v2.services.revisions.transports.grpc import RevisionsGrpcTransport
from google.cloud.run_v2.services.services.transports.grpc import ServicesGrpcTransport
from google.pubsub_v1.services.publisher.transports.grpc import PublisherGrpcTransport
from scripts.local_cloud.gapic.table import wire_table
services = MetricServiceGrpcTransport, RevisionsGrpcTransport, ServicesGrpcTransport, PublisherGrpcTransport
told = [{path: str(method) for path, method in wire_table(service).items()} for service in services]
"""
    lean, plain = alone(LEAN + told), alone(told)
    assert lean == plain
    assert all(plain)


def test_messages_for_uploads_load_when_one_is_made() -> None:
    told = """
import googleapiclient.discovery
from googleapiclient import http
told = ["email.policy" in sys.modules]
kind = {"content-type": "application/json"}
request = http.HttpRequest(None, None, "https://host/path?a=b", "POST", '{"a": 1}', kind)
told.append(http.BatchHttpRequest(batch_uri="https://host/batch")._serialize_request(request))
"""
    lean, plain = alone(LEAN + told), alone(told)
    assert lean == [False, plain[1]]
    assert "Content-Type: application/json" in plain[1]


def test_the_types_of_grpc_say_nothing_and_its_channels_work() -> None:
    told = """
import typing
import grpc
from google.api_core.client_options import ClientOptions, from_dict
channel = grpc.insecure_channel("127.0.0.1:1")
call = channel.unary_unary("/a.B/C")
try:
    call(b"", timeout=0.001)
except grpc.RpcError as error:
    told = [error.code().name in ("UNAVAILABLE", "DEADLINE_EXCEEDED"), type(error).__name__]
channel.close()
told += [repr(from_dict({"api_endpoint": "a"})), str(typing.Iterable[int])]
"""
    assert alone(LEAN + told) == alone(told)
