"""What a build or a push leads to, exactly, and what our own messages carry."""

import json
from dataclasses import replace
from typing import Any

import pytest

from shared.config.environment import Environment, ManagedService
from shared.errors import InvalidEvent
from shared.events import asset_listing, build, command, fields, image_push, incident, object_written
from shared.events.build import BuildChanged, BuiltImage
from shared.events.ignored import Ignored
from shared.events.image_push import ImagePushed
from shared.rollout.announcement import Announcement, Severity
from shared.rollout.facts import DeployRequested
from shared.rollout.names import Release
from tests.events.complete import DIGEST, ORDER, kinds
from tests.events.payloads import NOW, message

IMAGE = "demo/web"
ON_PUSH = ManagedService(name="web", image=IMAGE)
ON_BUILD = ManagedService(name="built", image=IMAGE, deploys_on="build")
TAGGED = ManagedService(name="tagged", image=IMAGE, deploy_tags="v[0-9]+")
ENVIRONMENT = Environment(
    name="dev",
    project="p",
    region="r",
    ledger_bucket="b",
    services={"web": ON_PUSH, "built": ON_BUILD, "tagged": TAGGED},
)
BUILD = BuildChanged(
    id="7",
    status="SUCCESS",
    at=NOW,
    images=(BuiltImage(image=IMAGE, digest=DIGEST, tag="v2"),),
    commit="c0ffee",
    log_url="https://logs",
    detail="It was slow.",
)
PUSH = ImagePushed(action="INSERT", image=IMAGE, digest=DIGEST, tag="v2", at=NOW)
NOT_ON_BUILD = [
    Ignored(rule="deploys_on_push", text="web deploys on pushes."),
    Ignored(rule="deploys_on_push", text="tagged deploys on pushes."),
]


def _asked(service: str, source: str, by: str, commit: str = "", tag: str = "v2") -> DeployRequested:
    release = Release(image=IMAGE, digest=DIGEST, requested_at=NOW, commit=commit, tag=tag)
    return DeployRequested(service=service, release=release, source=source, by=by)


def _failed(status: str, text: str) -> Announcement:
    return Announcement(
        key=f"builds/7-{status}",
        kind="build.failed",
        service="builds",
        at=NOW,
        text=text,
        severity=Severity.WARNING,
        details={"log_url": "https://logs", "commit": "c0ffee"},
    )


@pytest.mark.parametrize(
    ("changes", "outcomes"),
    [
        ({}, [NOT_ON_BUILD[0], _asked("built", "build", "build 7", "c0ffee"), NOT_ON_BUILD[1]]),
        ({"status": "WORKING"}, [Ignored(rule="not_finished", text="Build 7 is WORKING.")]),
        ({"status": "TIMEOUT"}, [_failed("TIMEOUT", "Build 7 ended as TIMEOUT. It was slow.")]),
        ({"status": "FAILURE", "detail": ""}, [_failed("FAILURE", "Build 7 ended as FAILURE.")]),
        ({"images": ()}, [Ignored(rule="no_images", text="Build 7 pushed no image.")]),
        (
            {"images": (BuiltImage(image="demo/x", digest=DIGEST),)},
            [Ignored(rule="unknown_image", text="demo/x belongs to no service of dev.")],
        ),
        (
            {"images": (BuiltImage(image="demo/x", digest=DIGEST), BuiltImage(image=IMAGE, digest=DIGEST))},
            [
                Ignored(rule="unknown_image", text="demo/x belongs to no service of dev."),
                NOT_ON_BUILD[0],
                _asked("built", "build", "build 7", "c0ffee", tag=""),
                NOT_ON_BUILD[1],
            ],
        ),
    ],
)
def test_what_a_build_leads_to(changes: dict[str, Any], outcomes: list[Any]) -> None:
    assert list(build.route(replace(BUILD, **changes), ENVIRONMENT)) == outcomes


@pytest.mark.parametrize(
    ("changes", "outcomes"),
    [
        (
            {},
            [
                _asked("web", "push", "push"),
                Ignored(rule="deploys_on_build", text="built deploys on finished builds."),
                _asked("tagged", "push", "push"),
            ],
        ),
        (
            {"tag": "test"},
            [
                _asked("web", "push", "push", tag="test"),
                Ignored(rule="deploys_on_build", text="built deploys on finished builds."),
                Ignored(rule="tag_rule", text="test does not match tagged's v[0-9]+."),
            ],
        ),
        (
            {"digest": ""},
            [
                Ignored(rule="no_digest", text="demo/web:v2 came without its digest; we deploy by digest only."),
                Ignored(rule="deploys_on_build", text="built deploys on finished builds."),
                Ignored(rule="no_digest", text="demo/web:v2 came without its digest; we deploy by digest only."),
            ],
        ),
        (
            {"action": "DELETE"},
            [Ignored(rule="deleted", text="demo/web:v2 was deleted; nothing deploys for that.")],
        ),
        (
            {"action": "DELETE", "tag": ""},
            [Ignored(rule="deleted", text=f"demo/web:{DIGEST} was deleted; nothing deploys for that.")],
        ),
        ({"tag": ""}, [Ignored(rule="untagged", text=f"demo/web:{DIGEST} has no tag; only tagged pushes deploy.")]),
        (
            {"tag": f"sha256-{'b' * 64}.sig"},
            [Ignored(rule="signature", text=f"demo/web:sha256-{'b' * 64}.sig is a signature, not an image.")],
        ),
        (
            {"image": "demo/x"},
            [Ignored(rule="unknown_image", text="demo/x belongs to no service of dev.")],
        ),
    ],
)
def test_what_a_push_leads_to(changes: dict[str, Any], outcomes: list[Any]) -> None:
    assert list(image_push.route(replace(PUSH, **changes), ENVIRONMENT)) == outcomes


@pytest.mark.parametrize(
    ("name", "image", "tag"),
    [
        ("demo/web:v2", "demo/web", "v2"),
        ("demo/web", "demo/web", ""),
        ("registry:5000/demo/web", "registry:5000/demo/web", ""),
        ("registry:5000/demo/web:v2", "registry:5000/demo/web", "v2"),
        (f"demo/web:v2@{DIGEST}", "demo/web", "v2"),
        ("web:v2", "web", "v2"),
        ("demo/web:v2:x", "demo/web", "v2:x"),
        ("demo/web@a@b", "demo/web", ""),
    ],
)
def test_the_name_of_a_built_image_is_taken_apart(name: str, image: str, tag: str) -> None:
    body = {**kinds()["build"].body, "results": {"images": [{"name": name, "digest": DIGEST}]}}
    assert build.parse(message(body)).images == (BuiltImage(image=image, digest=DIGEST, tag=tag),)


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({"action": "INSERT"}, "digest: is absent, and so is tag"),
        ({"action": "INSERT", "tag": "web"}, 'tag: must be "repository:tag", not "web"'),
        ({"action": "INSERT", "tag": ":v2"}, 'tag: must be "repository:tag", not ":v2"'),
        ({"action": "INSERT", "tag": "web:"}, 'tag: must be "repository:tag", not "web:"'),
        ({"action": "INSERT", "tag": "registry:5000/web"}, 'tag: must be "repository:tag", not "registry:5000/web"'),
        (
            {"action": "INSERT", "digest": f"demo/web@{DIGEST}", "tag": "demo/x:v2"},
            'tag: is of "demo/x" but digest is of "demo/web"',
        ),
        (
            {"action": "INSERT", "digest": "demo/web"},
            'digest: must be "repository@sha256:…" with 64 hex digits, not "demo/web"',
        ),
        (
            {"action": "INSERT", "digest": f"demo/web@v2@{DIGEST}"},
            f'digest: must be "repository@sha256:…" with 64 hex digits, not "demo/web@v2@{DIGEST}"',
        ),
        (
            {"action": "INSERT", "digest": f"@{DIGEST}"},
            f'digest: must be "repository@sha256:…" with 64 hex digits, not "@{DIGEST}"',
        ),
    ],
)
def test_what_is_wrong_with_a_push(body: dict[str, str], refusal: str) -> None:
    with pytest.raises(InvalidEvent) as error:
        image_push.parse(message(body))
    assert str(error.value) == refusal


def test_the_port_of_a_registry_belongs_to_the_image_that_was_pushed() -> None:
    push = image_push.parse(message({"action": "INSERT", "tag": "registry:5000/demo/web:v2"}))
    assert (push.image, push.tag) == ("registry:5000/demo/web", "v2")


def test_a_command_carries_a_holder_only_when_one_is_named() -> None:
    own, attributes = command.encode(ORDER)
    assert json.loads(own) == {
        "command": "freeze",
        "service": "*",
        "by": "amina",
        "why": "a reason",
        "request_id": "r1",
    }
    assert attributes == {"command": "freeze", "service": "*"}
    assert json.loads(command.encode(ORDER, "window")[0]) == {**json.loads(own), "holder": "window"}
    with pytest.raises(InvalidEvent) as error:
        command.parse(message(json.loads(own)))
    assert str(error.value) == 'attributes.command: must be "freeze" as in the body, not ""'


def test_what_an_incident_of_others_says() -> None:
    assert incident.parse(message({"version": "test"})) == Ignored(
        rule="test_notification", text="Monitoring's test notification arrived: the channel works."
    )
    body = json.loads(json.dumps(kinds()["incident"].body))
    body["incident"]["resource"]["type"] = "gce_instance"
    assert incident.parse(message(body)) == Ignored(
        rule="not_cloud_run", text="HighErrorRate is about a gce_instance, which we do not deploy."
    )


def test_what_is_no_new_object() -> None:
    assert object_written.parse(message({}, attributes={"eventType": "OBJECT_DELETE"})) == Ignored(
        rule="not_written", text="OBJECT_DELETE is no new object."
    )
    with pytest.raises(InvalidEvent) as error:
        object_written.parse(message({}))
    assert str(error.value) == "attributes.eventType: must be a text that is not empty, not absent"
    written = kinds()["object_written"]
    assert written.read(written.message({**written.body, "size": "9" * 20})).size == int("9" * 20)
    for size in ("9" * 21, "٣", "1.5", "-1"):
        with pytest.raises(InvalidEvent) as error:
            written.read(written.message({**written.body, "size": size}))
        assert str(error.value) == f'size: must be a whole number of at most 20 digits, not "{size}"'


def test_what_is_wrong_with_a_list_of_assets() -> None:
    def refusal(body: Any) -> str:
        with pytest.raises(InvalidEvent) as error:
            asset_listing.parse(json.dumps(body).encode(), DIGEST)
        return str(error.value)

    assert refusal({"digest": DIGEST, "files": []}) == "files: must name at least one file"
    assert refusal({"digest": "x", "files": []}) == f'digest: must be "{DIGEST}", not "x"'
    elsewhere = {"digest": DIGEST, "files": [{"name": "index.html", "size": 1}]}
    assert refusal(elsewhere) == 'files[0].name: must begin with "_next/static/", not be "index.html"'
    assert asset_listing.key_of(DIGEST) == f"releases/sha256-{'b' * 64}.json"


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-11-23T12:00:00Z", "2026-11-23T12:00:00+00:00"),
        ("2026-11-23T12:00:00.123456789Z", "2026-11-23T12:00:00.123456+00:00"),
        ("2026-11-23T12:00:00.5Z", "2026-11-23T12:00:00.500000+00:00"),
        ("2026-11-23T12:00:00.007Z", "2026-11-23T12:00:00.007000+00:00"),
        ("2026-11-23T14:00:00+02:00", "2026-11-23T12:00:00+00:00"),
        ("2026-11-23T14:00:00.999999999+02:00", "2026-11-23T12:00:00.999999+00:00"),
        ("2026-11-23T12:00:00", 'refused: at: must be an RFC 3339 time with its zone, not "2026-11-23T12:00:00"'),
        ("noon", 'refused: at: must be an RFC 3339 time, not "noon"'),
        ("12.30.15", 'refused: at: must be an RFC 3339 time, not "12.30.15"'),
        ("0001-01-01T00:00:00+14:00", 'refused: at: must be an RFC 3339 time, not "0001-01-01T00:00:00+14:00"'),
    ],
)
def test_times_as_google_writes_them(text: str, at: str) -> None:
    try:
        read = fields.parse_moment(text, "at").isoformat()
    except InvalidEvent as error:
        read = f"refused: {error}"
    assert read == at


@pytest.mark.parametrize(
    ("data", "refusal"),
    [
        (b"\xff", "data: not UTF-8: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
        (b"{", "data: not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        (
            b'{"a": "\\ud800"}',
            (
                "data: holds half of a character: 'utf-8' codec can't encode character '\\ud800' in position 7: "
                "surrogates not allowed"
            ),
        ),
        (b"[]", "data: must be a JSON object, not list"),
        (b" " * (1 << 20) + b"1", "data: is 1048577 bytes, more than 1048576"),
    ],
)
def test_what_is_no_message(data: bytes, refusal: str) -> None:
    with pytest.raises(InvalidEvent) as error:
        fields.decode(message(data))
    assert str(error.value) == refusal


def test_the_largest_message_is_read() -> None:
    assert fields.decode(message(b"{}" + b" " * ((1 << 20) - 2))) == {}


def test_numbers_that_are_none() -> None:
    def refusal(read: Any, value: Any) -> str:
        with pytest.raises(InvalidEvent) as error:
            read({"n": value}, "n", path="p.")
        return str(error.value)

    assert refusal(fields.number, float("inf")) == "p.n: must be a finite number, not inf"
    assert refusal(fields.number, 10**400) == "p.n: is too large"
    assert refusal(fields.duration, 1e300) == "p.n: is no time span: 1e+300"
    assert refusal(fields.epoch, 10**18) == f"p.n: is no time: {10**18}"
    assert refusal(fields.texts, ["a", 7]) == "p.n: must be a list of texts, not list"
    with pytest.raises(InvalidEvent, match=r"^n: is no time: "):
        fields.epoch({"n": 10**18}, "n")
    assert fields.epoch({}, "n") is None
    assert fields.epoch({"n": 0}, "n") is None
