"""Format lines of the operator's own."""

import json
from datetime import UTC, datetime

import pytest

from model.errors import ConfigurationError
from model.events.shapes import shape
from model.events.templates import Templates
from model.lines.choice import FormatChoice
from model.lines.format_line import format_line
from model.lines.formats import LineFormat
from model.lines.parser import LineParser
from model.reading_part import ReadingPart

MOMENT_MS = round(datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC).timestamp() * 1000)
NOW_MS = MOMENT_MS + 86_400_000

# Each: a format line as loghub publishes it for a system, a line of that system's form, the message.
LINES = [
    ("<Date> <Time> <Level> <Component>: <Content>", "24/01/02 03:04:05 INFO a.B: one: two", "one: two"),
    ("<Date> <Time> <Pid> <Level> <Component>: <Content>", "240102 030405 7 INFO a.B: stored", "stored"),
    (
        "<Label> <Timestamp> <Date> <Node> <Time> <NodeRepeat> <Type> <Component> <Level> <Content>",
        "- 1704164645 2024.01.02 R0 2024-01-02-03.04.05.6 R0 RAS KERNEL INFO went well",
        "went well",
    ),
    (r"\[<Time>\] \[<Level>\] <Content>", "[Tue Jan 02 03:04:05 2024] [error] it broke", "it broke"),
    ("[<Time>] [<Level>] <Content>", "[Tue Jan 02 03:04:05 2024] [error] it broke", "it broke"),
    (r"<Month> <Date> <Time> <Level> <Component>(\[<PID>\])?: <Content>", "Jan  2 03:04:05 host su[7]: hi", "hi"),
    (r"<Month> <Date> <Time> <Level> <Component>(\[<PID>\])?: <Content>", "Jan  2 03:04:05 host su: hi", "hi"),
    (
        r"<Month>  <Date> <Time> <User> <Component>\[<PID>\]( \(<Address>\))?: <Content>",
        "Jan  2 03:04:05 me com.app[1] (com.b[2]): closed",
        "closed",
    ),
    (r"<Time>\|<Component>\|<Pid>\|<Content>", "20240102-3:4:5|Step|7|counted", "counted"),
    ("<LogId> <Node> <Component> <State> <Time> <Flag> <Content>", "7 n hw up 1704164645 1 is up", "is up"),
    ("<Date> <Time>  <Pid>  <Tid> <Level> <Component>: <Content>", "01-02 03:04:05.000 7   8 D Wm: opened", "opened"),
    ("<Content> @ <Date> <Time> (<App>)", "it broke @ 2024-01-02 03:04:05 (shop)", "it broke"),
    ("<Time> <Content>", "2024-01-02T03:04:05Z said", "said"),
    ("v1 <Time> <Content>", "v1 1704164645 said", "said"),
]


@pytest.mark.parametrize(("written", "line", "message"), LINES)
def test_a_format_line_parts_message_and_time(written, line, message):
    """The formats that loghub publishes are understood as they stand."""
    line_format = LineFormat("text", written)
    parsed = LineParser(line_format, Templates()).parse([line.encode()], [NOW_MS])

    assert line_format.text_header.message(shape(line.encode())).decode() == message
    assert parsed.time_ms == [MOMENT_MS]
    assert line_format.has_time
    assert LineFormat.from_json(line_format.to_json()) == line_format


def test_other_lines_are_their_own_message():
    """They have no time and no fields."""
    line_format = LineFormat("text", "<Date> <Time> [<Level>] <Content>")
    parser = LineParser(line_format, Templates())
    parsed = parser.parse([b"  at a.b.C", b"2024-01-02 03:04:05 [INFO] "])

    assert [parser.text_of(each) for each in parsed.event_id] == ["at a.b.C", "<*> [INFO]"]
    assert parsed.time_ms[0] == -1
    assert line_format.text_header.fields(b"at a.b.C") == {}


def test_a_line_whose_message_may_be_missing_and_is_is_its_own_message():
    """A format line may make even the message optional."""
    assert format_line("<Level>( <Content>)?").message(b"INFO") == b"INFO"
    assert format_line("<Level>( <Content>)?").message(b"INFO up") == b"up"


def test_the_fields_have_their_names():
    """They can be keys; an optional one that is not there is left out."""
    header = format_line(r"<Time> <Host> <App>(\[<Pid>\])?: <Content>")

    assert header.fields(b"7 web-1 su[77]: hello") == {"Time": "7", "Host": "web-1", "App": "su", "Pid": "77"}
    assert header.fields(b"7 web-1 su: hello") == {"Time": "7", "Host": "web-1", "App": "su"}


def test_a_format_line_without_a_time_states_none():
    """Its lines take their records' timestamps."""
    assert not LineFormat("text", "<Level>: <Content>").has_time
    assert LineParser(LineFormat("text", "<Level>: <Content>"), Templates()).parse([b"INFO: a"]).time_ms == [-1]


def test_a_local_time_is_meant_in_the_formats_zone():
    """As everywhere."""
    parser = LineParser(LineFormat("text", "<Date> <Time> <Content>", zone="+01:00"), Templates())

    assert parser.parse([b"2024-01-02 04:04:05 a"]).time_ms == [MOMENT_MS]


@pytest.mark.parametrize(
    "written", ["<Content> <Content>", "<A> <A> <Content>", "<Content>" + "x" * 1000, "<Date> <Time>", "<content>"]
)
def test_a_wrong_format_line_says_what_is_allowed(written):
    """A line without ``<Content>`` is looked up as a header, which it is not either."""
    with pytest.raises(ConfigurationError, match="allowed"):
        LineFormat("text", written)


def test_marks_of_expressions_stand_for_themselves():
    """Brackets that nothing makes optional are text; so is a lone one."""
    for written, line in [
        ("(<A>) <Content>", "(x) said"),
        ("(<A> <Content>", "(x said"),
        ("<A>)? <Content>", "x)? said"),
        ("*+.^$ <Content>", "*+.^$ said"),
    ]:
        assert format_line(written).message(line.encode()) == b"said"


DETECTED = LineFormat("json", "log4j", message="msg", time="ts")


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (FormatChoice(), DETECTED),
        (FormatChoice("json"), DETECTED),
        (FormatChoice("json", message_field="/a", time_field="/b", time_zone="+01:00"),
         LineFormat("json", "log4j", message="/a", time="/b", zone="+01:00")),
        (FormatChoice(time_field="/b"), LineFormat("json", "log4j", message="msg", time="/b")),
        (FormatChoice("text"), LineFormat()),
        (FormatChoice("hdfs"), LineFormat("text", "hdfs")),
        (FormatChoice("<Time> <Content>"), LineFormat("text", "<Time> <Content>")),
        (FormatChoice("otlp-proto"), LineFormat("otlp-proto", "log4j")),
    ],
)  # fmt: skip
def test_what_a_person_says_wins(choice, expected):
    """What is not said stays as it was found."""
    assert choice.applied_to(lambda: DETECTED) == expected


def test_a_model_of_text_lines_reads_them_out_of_objects():
    """Trained on files, serving what a shipper wraps: the events are the same."""
    reading = ReadingPart("v1", LineFormat("text", "hdfs"), Templates(), (8, 1, 1000), 0.0)
    line = "240102 030405 7 INFO dfs.X: Receiving block blk_7"
    wrapped = json.dumps({"log": line + "\n", "stream": "stdout"}).encode()
    alone = reading.parser().parse([line.encode()])
    inside = reading.parser(FormatChoice("json")).parse([wrapped])

    assert inside.event_id == alone.event_id
    assert inside.time_ms == alone.time_ms == [MOMENT_MS]


@pytest.mark.parametrize(
    "choice", [FormatChoice("nope"), FormatChoice(message_field="//"), FormatChoice(time_zone="Moon")]
)
def test_a_wrong_choice_says_what_is_allowed(choice):
    """Whatever was found."""
    with pytest.raises(ConfigurationError, match="allowed"):
        choice.applied_to(LineFormat)
