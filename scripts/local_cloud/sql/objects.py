"""Objects of the local Cloud Storage as Cloud SQL reads and writes them: whole, and never over one that exists."""

import http.client
import json
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

_EDGE = "------------------------------edge-of-a-part"


class ObjectProblem(RuntimeError):
    """The object cannot be read or written; the text says why, as an operation's error does."""


class Objects:
    """url: of the storage server, "http://127.0.0.1:7001"."""

    def __init__(self, url: str) -> None:
        self._address = urlsplit(url).netloc

    def write(self, uri: str, content: bytes) -> None:
        """Raises ObjectProblem when the object exists already."""
        bucket, name = _parts(uri)
        # In parts, for the local storage heeds the condition only then.
        path = f"/upload/storage/v1/b/{bucket}/o?uploadType=multipart&ifGenerationMatch=0"
        status, _ = self._request(
            "POST", path, _in_parts({"name": name}, content), f"multipart/related; boundary={_EDGE}"
        )
        if status == http.client.PRECONDITION_FAILED:
            raise ObjectProblem(f"the object {uri} exists already")
        if status != http.client.OK:
            raise ObjectProblem(f"{uri} cannot be written: the storage answered {status}")

    def read(self, uri: str) -> bytes:
        """Raises ObjectProblem when it is not there."""
        bucket, name = _parts(uri)
        status, content = self._request("GET", f"/storage/v1/b/{bucket}/o/{quote(name, safe='')}?alt=media")
        if status != http.client.OK:
            raise ObjectProblem(f"{uri} cannot be read: the storage answered {status}")
        return content

    def _request(self, verb: str, path: str, body: bytes | None = None, kind: str = "") -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(self._address, timeout=30)
        try:
            connection.request(verb, path, body, {"content-type": kind} if kind else {})
            response = connection.getresponse()
            return response.status, response.read()
        except OSError as error:
            raise ObjectProblem(f"the storage does not answer: {error}") from error
        finally:
            connection.close()


def _in_parts(metadata: Mapping[str, str], content: bytes) -> bytes:
    """Metadata and content as one body: https://cloud.google.com/storage/docs/uploading-objects#rest-upload-objects."""
    first = f"--{_EDGE}\r\ncontent-type: application/json\r\n\r\n{json.dumps(metadata)}\r\n"
    second = f"--{_EDGE}\r\ncontent-type: application/octet-stream\r\n\r\n"
    return (first + second).encode() + content + f"\r\n--{_EDGE}--\r\n".encode()


def _parts(uri: str) -> tuple[str, str]:
    address = urlsplit(uri)
    if address.scheme != "gs" or not address.netloc or not address.path.strip("/"):
        raise ObjectProblem(f'"{uri}" is no object: it must be gs://bucket/name')
    return address.netloc, address.path.removeprefix("/")
