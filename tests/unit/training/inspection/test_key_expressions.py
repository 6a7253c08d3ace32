"""Forms of identifiers, and the expressions that find them."""

import pytest

from model.lines.expressions import Expression
from training.inspection.key_expressions import key_expressions
from training.inspection.key_names import is_no_key, usual_rank

UUIDS = ("3f2b8c1e-0d4a-4c6f-9a1b-2e3d4f5a6b7c", "9a1b2c3d-0d4a-4c6f-9a1b-2e3d4f5a6b7c")


@pytest.mark.parametrize(
    ("line", "other", "keys"),
    [
        ("served blk_-123456", "got blk_7755", ("blk_-123456", "blk_7755")),
        (f"for {UUIDS[0]}.", f"for {UUIDS[1]}.", UUIDS),
        ("took [c0ffee0012345678] in", "took [badc0de123456789] in", ("c0ffee0012345678", "badc0de123456789")),
        ("id c0ffee00 gone", "id 00c0ffee gone", ("c0ffee00", "00c0ffee")),
        ("session 0x14f05578bd80001 closed", "session 0x24f0 closed", ("0x14f05578bd80001", "0x24f0")),
        ("x request_id=abc-7, y", "x request_id=q/9 y", ("abc-7", "q/9")),
        ('x trace="ab c"', 'x trace="de f"', ("ab", "de")),
        ('{"sid": "u-1","a":1}', '{"sid": "u-2","a":1}', ("u-1", "u-2")),
        ("sshd[77]: hello", "sshd[78]: hello", ("77", "78")),
        ("order_id: 4711 paid", "order_id: 4712 paid", ("4711", "4712")),
        ("from 10.0.0.1 to", "from 10.0.0.2:80 to", ("10.0.0.1", "10.0.0.2")),
        (
            "attempt_14451_0020_m_01 done",
            "attempt_14451_0020_m_02 done",
            ("attempt_14451_0020_m_01", "attempt_14451_0020_m_02"),
        ),
    ],
)
def test_an_identifier_is_found_by_its_form(line, other, keys):
    """Some expression takes exactly it, from both lines."""
    lines = [line.encode(), other.encode()]
    found = [tuple(Expression(each).groups_in(text)[0].decode() for text in lines) for each in key_expressions(lines)]

    assert keys in found


@pytest.mark.parametrize("line", ["level=info done", "time=12 done", 'x "severity": "high"', "no identifier here", ""])
def test_levels_times_and_words_are_no_keys(line):
    """Their names say so, or nothing looks like an identifier."""
    assert key_expressions([line.encode()] * 10) == []


def test_names_are_taken_as_they_stand():
    """A dot in a name is a dot, and bytes that are no text do no harm."""
    lines = [b"com.app[1] \xff\xfe", b"comXapp[2]"] * 3

    assert r"\bcom\.app\[([^\s\[\]]+)\]" in key_expressions(lines)


def test_rare_forms_and_too_many_are_left_out():
    """What two lines of a thousand have is no key; two dozen expressions are looked at."""
    lines = [b"user_id=5 gone"] + [b"nothing"] * 999
    many = [" ".join(f"name{chr(97 + n)}=v{n}" for n in range(26)).encode()] * 5

    assert key_expressions(lines) == []
    assert len(key_expressions(many)) == 24


def test_usual_names_are_known_in_each_spelling():
    """Case and marks do not matter; a pointer's names count."""
    assert usual_rank("/ctx/traceId") == usual_rank("trace_id") == 0
    assert usual_rank("trace_id") < usual_rank("user") < usual_rank("something")
    assert is_no_key("/log/level")
    assert not is_no_key("event")
