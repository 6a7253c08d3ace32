"""Keys: whose line it is."""

import json

import pytest

from model.errors import ConfigurationError, RecordError
from model.events.templates import Templates
from model.lines.formats import Kind, LineFormat
from model.lines.key_rule import SHARED_KEY, KeyRule
from model.lines.keys import KeyExtractor
from model.lines.parser import LineParser
from tests.unit.model.lines.test_otlp import ENCODINGS, Encoded, attributes, logs, record


def by_pattern(pattern: str) -> KeyExtractor:
    """Look for an expression."""
    return KeyExtractor(KeyRule(pattern=pattern))


def by_field(*fields: str) -> KeyExtractor:
    """Look for fields."""
    return KeyExtractor(KeyRule(fields=fields))


def test_a_group_is_the_key():
    """The first match in the line counts."""
    assert by_pattern(r"block (blk_-?\d+)").extract([b"block blk_-7 and block blk_8", b"none", None]) == [
        b"blk_-7",
        None,
        None,
    ]


def test_several_groups_are_joined():
    """A combination of host and service is one key; a group that took no part is empty."""
    assert by_pattern(r"(web|db)-(\d+)?").extract([b"from web-12 to x", b"db-"]) == [b"web|12", b"db|"]


def test_without_groups_the_match_is_the_key():
    """A plain expression needs no brackets."""
    assert by_pattern(r"req-\d+").extract([b"x req-17 y"]) == [b"req-17"]


def test_an_empty_key_is_no_key():
    """Nothing is grouped under an empty name."""
    assert by_pattern("(x*)(y*)").extract([b"abc"]) == [None]
    assert by_pattern("x*").extract([b"abc"]) == [None]
    assert by_field("id").extract([b'{"id": ""}']) == [None]


def test_bytes_that_are_not_utf8_are_no_error():
    """The expression looks at bytes."""
    assert by_pattern("(é+)").extract([b"\xff\xfe", "aéé".encode()]) == [None, "éé".encode()]


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("trace_id", b"t1"),
        ("/a/b", b"7"),
        ("a.b", b"7"),
        ("/list/1", b"y"),
        ("x.y", b"dotted"),
        ("nope", None),
        ("/list/9", None),
    ],
)
def test_a_field_is_the_key(field, expected):
    """By name, dotted name or JSON pointer; what is no text is written as JSON."""
    value = b'{"trace_id": "t1", "a": {"b": 7}, "list": ["x", "y"], "x.y": "dotted"}'

    assert by_field(field).extract([value, b"{", b"[]", None]) == [expected, None, None, None]


def test_several_parts_make_one_key():
    """In the order of the rule; what a line lacks is empty, and a line that lacks all has no key."""
    keys = by_field("host", "service")

    values = [b'{"host": "web", "service": "cart"}', b'{"service": "cart"}', b'{"host": ""}']
    assert keys.extract(values) == [b"web|cart", b"|cart", None]


def test_record_key_headers_fields_and_groups_are_joined():
    """What stands outside the value counts for all its lines."""
    keys = KeyExtractor(KeyRule(True, ("tenant", "none"), ("host",), r"(a)(b)?"))

    assert keys.split(b'{"host": "web", "msg": "a"}', b"k", [("tenant", b"t"), ("none", None)]) == [
        (b"k|t||web|a|", b'{"host": "web", "msg": "a"}')
    ]


def test_the_field_of_an_inner_object_can_be_the_key():
    """A trace id that the application wrote, in what a shipper wraps."""
    value = json.dumps({"log": '{"msg": "saved", "trace": "t1"}', "stream": "stdout"}).encode()

    assert by_field("trace").extract([value]) == [b"t1"]


def test_the_words_of_a_header_can_be_the_key():
    """Host and application of syslog; of a format line, whatever it names."""
    syslog = KeyExtractor(KeyRule(fields=("host", "app")), LineFormat("text", "syslog-3164"))
    own = KeyExtractor(KeyRule(fields=("Node",)), LineFormat("text", "<Time> <Node>: <Content>"))

    assert syslog.extract([b"Jan  2 03:04:05 web-1 sshd[7]: failed", b"else"]) == [b"web-1|sshd", None]
    assert own.extract([b"7 n12: up", b"else"]) == [b"n12", None]


@ENCODINGS
@pytest.mark.parametrize("said", [True, False])
def test_otlp_is_parted_between_the_keys_of_its_log_records(kind: Kind, encoded: Encoded, said: bool):  # noqa: FBT001
    """Each part is OTLP of the same encoding, with its resource; the order stays."""
    traced = [record("a", traceId="01" * 16), record("b", traceId="01" * 16), record("c", traceId="02" * 16)]
    keys = KeyExtractor(KeyRule(fields=("traceId",)), LineFormat(kind) if said else None)
    parts = keys.split(encoded(logs(*traced, record("d"))))

    assert [key for key, _ in parts] == [b"01" * 16, b"02" * 16, None]
    parser = LineParser(LineFormat(kind), Templates())
    parsed = parser.parse([value for _, value in parts])
    assert [parser.text_of(each) for each in parsed.event_id] == ["a", "b", "c", "d"]
    assert by_field("service.name").extract([value for _, value in parts]) == [b"cart"] * 3


@ENCODINGS
def test_a_log_record_that_says_nothing_makes_no_part(kind: Kind, encoded: Encoded):  # noqa: ARG001
    """It goes with the one before it, whatever its key: alone it would be a record without a line."""
    silent = [record(None, traceId="02" * 16), record(None)]
    parts = by_field("traceId").split(encoded(logs(silent[0], record("a", traceId="01" * 16), *silent)))

    assert [key for key, _ in parts] == [b"01" * 16]


@ENCODINGS
@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("service.name", b"cart"),
        ("/resource/service.name", b"cart"),
        ("host.name", b"web-1"),
        ("user", b"anna"),
        ("/attributes/user", b"anna"),
        ("traceId", b"0102030405060708090a0b0c0d0e0f10"),
        ("trace_id", b"0102030405060708090a0b0c0d0e0f10"),
        ("/scope/name", b"shop.cart"),
        ("severity_text", b"INFO"),
        ("nope", None),
    ],
)
def test_what_a_log_record_shares_can_be_the_key(kind: Kind, encoded: Encoded, field, expected):  # noqa: ARG001
    """Attributes of the record and of its resource by plain names, or by where they stand."""
    traced = record(traceId="0102030405060708090a0b0c0d0e0f10", attributes=attributes(user="anna"))

    assert by_field(field).extract([encoded(logs(traced))]) == [expected]


@ENCODINGS
def test_an_expression_looks_at_the_body(kind: Kind, encoded: Encoded):  # noqa: ARG001
    """Not at the bytes of the encoding."""
    value = encoded(logs(record("req=7 done"), record("req=8 done")))

    assert [key for key, _ in by_pattern(r"req=(\d)").split(value)] == [b"7", b"8"]
    assert by_pattern("stringValue").extract([value]) == [None]


def test_lines_of_text_are_parted_between_their_keys():
    """A line without a key belongs to the line before it, one before the first to the first."""
    value = b"head\nreq=1 a\n  at frame\n\nreq=2 b\nreq=1 c\n"

    assert by_pattern(r"req=(\d)").split(value) == [
        (b"1", b"head\nreq=1 a\n  at frame\n"),
        (b"2", b"req=2 b"),
        (b"1", b"req=1 c"),
    ]


def test_a_record_of_one_key_is_passed_on_as_it_is():
    """Byte for byte."""
    for value in (b" req=1 a\r\nreq=1 b\n", b'[ {"req=1": 1},\n {"req=1": 2}]', b"no key at all", b""):
        [(_, passed)] = by_pattern(r"req=(\d)").split(value)
        assert passed == value


def test_objects_are_parted_between_their_keys():
    """Those of an array become lines; one without a key has none, for nothing says whose it is."""
    value = b'[{"id": 1, "msg": "a"}, {"id": 1, "msg": "b"}, {"msg": "c"}, {"id": 2, "msg": "d"}]'

    assert by_field("id").split(value) == [
        (b"1", b'{"id":1,"msg":"a"}\n{"id":1,"msg":"b"}'),
        (None, b'{"msg":"c"}'),
        (b"2", b'{"id":2,"msg":"d"}'),
    ]


def test_octet_counted_messages_are_parted_between_their_keys():
    """Each part is octet-counted again."""
    value = b"9 <1> req=16 <1> xy9 <1> req=2"

    assert by_pattern(r"req=(\d)").split(value) == [(b"1", b"9 <1> req=1"), (None, b"6 <1> xy"), (b"2", b"9 <1> req=2")]


@pytest.mark.parametrize("header", [None, "syslog-5424", "syslog-5424+iso"])
@pytest.mark.parametrize(("pattern", "key"), [("[0-9]+", b"34"), (r"^(\d+)", None), (r"(\d+ )?<(\d+)", b"|34")])
def test_an_octet_count_is_no_part_of_a_key(header, pattern, key):
    """Nor is it where a record holds one message only: the count says how long a message is, not whose."""
    message = b"<34>1 - - - - - - " + b"x" * 30
    value = b"%d %s" % (len(message), message)
    keys = KeyExtractor(KeyRule(pattern=pattern), LineFormat("text", header) if header else None)

    assert keys.extract([value, message]) == [key, key]
    assert keys.of_lines([value], [0], [0]) == [key]
    assert keys.split(value) == [(key, value)]


@pytest.mark.parametrize("line_format", [None, LineFormat(), LineFormat("json")])
@pytest.mark.parametrize("around", [b"%s", b" \t%s\r", b"\n%s\r\n", b"\xef\xbb\xbf%s", b" \xef\xbb\xbf \t%s"])
def test_what_is_around_a_line_is_no_part_of_a_key(line_format, around):
    """White space and a byte order mark are no part of the line, so an expression does not see them either."""
    value = around % b'{"msg": "a"}'
    keys = KeyExtractor(KeyRule(pattern="^.*$"), line_format)

    assert keys.extract([value]) == [b'{"msg": "a"}']
    assert keys.of_lines([value], [0], [0]) == [b'{"msg": "a"}']
    assert keys.split(value) == [(b'{"msg": "a"}', value)]


def test_parts_that_repeat_too_much_are_an_error():
    """A huge resource and many keys would make gigabytes of a megabyte."""
    huge = logs(*[record(str(number), traceId=f"{number:032x}") for number in range(100)], service="s" * 500_000)

    with pytest.raises(RecordError, match="too-long"):
        by_field("traceId").split(json.dumps(huge).encode())


def test_lines_without_a_key_may_share_one():
    """As the rule says; what happens to them otherwise is the caller's to do."""
    shared = KeyExtractor(KeyRule(fields=("id",), without="shared"))

    assert shared.extract([b'{"id": 1}', b"{}", None]) == [b"1", SHARED_KEY, SHARED_KEY]
    assert shared.split(b'[{"id": 1}, {}]') == [(b"1", b'{"id":1}'), (SHARED_KEY, b"{}")]
    assert by_field("id").extract([b"{}"]) == [None]


@pytest.mark.parametrize(
    ("line_format", "value"),
    [
        (LineFormat(), b"\nreq=1 a\n\n  frame\nreq=2 b"),
        (LineFormat("json"), b'[{"msg": "req=1 a"}, {"msg": "req=2 b"}]'),
        (LineFormat("text", "syslog-5424"), b"28 <1>1 - - - - - - req=1 a\n at28 <1>1 - - - - - - req=2 b\n at"),
    ],
)
def test_a_parsed_line_has_the_key_that_parting_gives_it(line_format, value):
    """Training reads files line by line, rekeying parts records: both agree."""
    keys = KeyExtractor(KeyRule(pattern=r"req=(\d)"), line_format)
    parsed = LineParser(line_format, Templates()).parse([value, value])
    found = keys.of_lines([value, value], parsed.record, parsed.line)
    parted = [key for key, part in keys.split(value) for _ in LineParser(line_format, Templates()).parse([part]).line]

    assert parsed.errors == []
    assert found == parted * 2
    assert set(found) == {b"1", b"2"}


@pytest.mark.parametrize("pattern", ["(", "(?=a)", r"(a)\1", "a" * 2000, "\ud800"])
def test_a_bad_expression_says_what_is_allowed(pattern):
    """Nothing that RE2 cannot run in linear time is accepted."""
    with pytest.raises(ConfigurationError, match="allowed"):
        KeyRule(pattern=pattern)


@pytest.mark.parametrize("field", ["", "/", "/a//b", "/" + "a/" * 20 + "b"])
def test_a_bad_field_says_what_is_allowed(field):
    """Names and JSON pointers are allowed."""
    with pytest.raises(ConfigurationError, match="JSON pointer"):
        KeyRule(fields=("good", field))


@pytest.mark.parametrize("rule", [{"without": "lose"}, {"headers": ("",)}])
def test_a_bad_rule_says_what_is_allowed(rule):
    """As settings do."""
    with pytest.raises(ConfigurationError, match="allowed"):
        KeyRule(**rule)


@pytest.mark.parametrize(
    "rule",
    [KeyRule(), KeyRule(pattern="a"), KeyRule(True, ("h",), ("f", "/g"), "(a)", "shared")],
)
def test_a_rule_survives_json(rule):
    """What is written to the model is what is read from it."""
    assert KeyRule.from_json(json.loads(json.dumps(rule.to_json()))) == rule


def test_the_rule_of_an_earlier_version_is_read():
    """It had one field or one pattern."""
    assert KeyRule.from_json({"pattern": None, "field": "trace_id"}) == KeyRule(fields=("trace_id",))
    assert KeyRule.from_json({"pattern": "a", "field": None}) == KeyRule(pattern="a")


@pytest.mark.parametrize("value", [b"one line", b"two\nlines", b'{"a": 1}', b'[{"a": 1}, {"a": 2}]'])
def test_without_any_part_all_lines_can_share_a_key(value):
    """One sequence for all, where nothing parts them; the record stays as it is."""
    rule = KeyRule(without="shared")

    assert rule.assigns_keys
    assert not rule.names_a_key
    assert KeyExtractor(rule).split(value) == [(SHARED_KEY, value)]
