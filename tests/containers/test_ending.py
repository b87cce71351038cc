"""A service that ends badly is found out: without this, "no request failed" could mean anything."""

from scripts.containers.bases import NODE_RUN
from scripts.containers.engine import Engine
from tests.containers.subject import ended_under_load, running, until_live

SERVER = """
const server = require("http").createServer((_, response) => setTimeout(() => response.end("well"), 30));
server.listen(process.env.PORT);
"""


def test_a_service_that_drops_what_is_under_way_is_found_out(engine: Engine) -> None:
    abrupt = SERVER + "process.on('SIGTERM', () => process.exit(0));"
    with running(engine, NODE_RUN, {}, "-e", abrupt) as one:
        until_live(one)
        ending = ended_under_load(one, "/")
    assert ending.status == 0
    assert ending.tally.failed


def test_a_service_that_closes_kept_connections_under_the_next_request_is_found_out(engine: Engine) -> None:
    hasty = (
        SERVER + "process.on('SIGTERM', () => { server.close(() => process.exit(0)); server.closeAllConnections() });"
    )
    with running(engine, NODE_RUN, {}, "-e", hasty) as one:
        until_live(one)
        ending = ended_under_load(one, "/")
    assert ending.tally.failed


def test_a_first_process_without_a_handler_does_not_end(engine: Engine) -> None:
    """Node alone, as the kernel treats the first process of a container: the signal does nothing."""
    with running(engine, NODE_RUN, {}, "-e", SERVER) as one:
        until_live(one)
        one.sigterm()
        until_live(one)
