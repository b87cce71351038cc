"""Who may use which bucket, as far as Cloud SQL asks: the policies of Cloud Storage's buckets, guarded by their etags.

The local Cloud Storage has no policies; whoever is asked for here is an instance's own account.
"""

import threading
from typing import Any

import grpc

from scripts.local_cloud.gapic.table import Fail
from scripts.local_cloud.sql.objects import ObjectProblem

_Json = dict[str, Any]


class Policies:
    """The methods take and give JSON as `storage.buckets.getIamPolicy` and `setIamPolicy` do."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._policies: dict[str, _Json] = {}

    def get_policy(self, request: _Json, _: object) -> _Json:
        with self._lock:
            return self._policy(request["bucket"])

    def set_policy(self, request: _Json, _: object) -> _Json:
        """Only over the policy that was read, as its etag tells."""
        with self._lock:
            before = self._policy(request["bucket"])["etag"]
            if request.get("etag") != before:
                raise Fail(grpc.StatusCode.ABORTED, "The policy was changed meanwhile.")
            self._policies[request["bucket"]] = {"bindings": request["bindings"], "etag": str(int(before) + 1)}
            return self._policy(request["bucket"])

    def check(self, account: str, uri: str) -> None:
        """Raises ObjectProblem unless the account is a member of some role on the object's bucket."""
        with self._lock:
            bindings = self._policy(uri.split("/")[2])["bindings"]
        if not any(f"serviceAccount:{account}" in row["members"] for row in bindings):
            text = "The service account does not have the required permissions for the bucket."
            raise ObjectProblem(f"{text} {account}: {uri}")

    def _policy(self, bucket: str) -> _Json:
        return {"kind": "storage#policy", **self._policies.get(bucket, {"etag": "0", "bindings": []})}
