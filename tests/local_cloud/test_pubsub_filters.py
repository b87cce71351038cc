import pytest

from scripts.local_cloud.pubsub.filters import InvalidFilter, parse_filter

MESSAGE = {"kind": "canary", "service": "web", "empty": "", "iana.org/language": "de", 'quoted"key': "a\\b"}


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("", True),
        ('attributes.kind = "canary"', True),
        ('attributes.kind="canary"', True),
        ('attributes.kind = "Canary"', False),
        ('attributes.missing = ""', False),
        ('attributes.kind != "stable"', True),
        ('attributes.kind != "canary"', False),
        ('attributes.missing != "x"', True),
        ("attributes:kind", True),
        ("attributes:empty", True),
        ("attributes:missing", False),
        ('attributes:"iana.org/language"', True),
        ('attributes."iana.org/language" = "de"', True),
        ('attributes."quoted\\"key" = "a\\\\b"', True),
        ('hasPrefix(attributes.kind, "can")', True),
        ('hasPrefix(attributes.kind, "ary")', False),
        ('hasPrefix(attributes.missing, "")', False),
        ("NOT attributes:kind", False),
        ("NOT NOT attributes:kind", True),
        ("-attributes:kind", False),
        ("attributes:kind AND attributes:service", True),
        ("attributes:kind AND attributes:missing", False),
        ("attributes:missing OR attributes:kind", True),
        ("attributes:missing OR NOT attributes:kind", False),
        ("(attributes:missing OR attributes:kind) AND attributes:service", True),
        ('attributes:missing OR (attributes:kind AND attributes.service = "api")', False),
        ("NOT (attributes:missing OR attributes:kind)", False),
        ("  attributes:kind\n AND\tattributes:service ", True),
    ],
)
def test_a_filter_keeps_what_it_says(text: str, kept: bool) -> None:
    assert parse_filter(text)(MESSAGE) is kept


@pytest.mark.parametrize(
    "text",
    [
        "attributes",
        "attributes.kind",
        'attributes.kind == "canary"',
        "attributes.kind = canary",
        'attributes.kind = "canary',
        'attributes.kind = "canary\\q"',
        'attribute.kind = "canary"',
        'attributes.kind < "canary"',
        "attributes:kind AND",
        "AND attributes:kind",
        "attributes:kind attributes:service",
        "attributes:a AND attributes:b OR attributes:c",
        "(attributes:kind",
        "attributes:kind)",
        "hasPrefix(attributes.kind)",
        'hasPrefix(attributes:kind, "c")',
        "not attributes:kind",
        "attributes:" + "k" * 250,
    ],
)
def test_what_is_no_filter_is_refused(text: str) -> None:
    with pytest.raises(InvalidFilter):
        parse_filter(text)
