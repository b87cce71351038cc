"""Any GAPIC service, served over gRPC and REST from the installed client package alone: the one door to it."""

from scripts.local_cloud.gapic.grpc_server import GrpcServer, serve_grpc
from scripts.local_cloud.gapic.interception import Call, Intercept, straight
from scripts.local_cloud.gapic.rest_server import (
    OPERATION_ROUTES,
    RestServer,
    Route,
    path_pattern,
    rest_routes,
    serve_rest,
)
from scripts.local_cloud.gapic.table import OPERATIONS_TABLE, Fail, Method, Table, pack_any, plain, wire_table

__all__ = [
    "OPERATIONS_TABLE",
    "OPERATION_ROUTES",
    "Call",
    "Fail",
    "GrpcServer",
    "Intercept",
    "Method",
    "RestServer",
    "Route",
    "Table",
    "pack_any",
    "path_pattern",
    "plain",
    "rest_routes",
    "serve_grpc",
    "serve_rest",
    "straight",
    "wire_table",
]
