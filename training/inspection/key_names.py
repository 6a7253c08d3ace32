"""Names that keys usually have, and names that are never keys."""

import re

from model.lines.names import LEVEL_FIELDS, MESSAGE_FIELDS, TIME_FIELDS

__all__ = ["is_no_key", "names_an_identifier", "usual_rank"]

#: Without marks and in small letters, the most usual first: of one request, of one piece of work, of one place.
_USUAL = (
    "traceid",
    "trace",
    "requestid",
    "reqid",
    "request",
    "xrequestid",
    "correlationid",
    "transactionid",
    "txid",
    "operationid",
    "sessionid",
    "session",
    "blk",
    "block",
    "blockid",
    "jobid",
    "job",
    "taskid",
    "task",
    "attempt",
    "container",
    "containerid",
    "instance",
    "instanceid",
    "executionid",
    "workflowid",
    "runid",
    "connectionid",
    "conn",
    "orderid",
    "spanid",
    "thread",
    "pid",
    "userid",
    "user",
    "client",
    "pod",
    "host",
)
_NEVER = frozenset(
    re.sub(r"[^a-z0-9]", "", name.lower())
    for name in (*LEVEL_FIELDS, *MESSAGE_FIELDS, *TIME_FIELDS, "duration", "took")
) - {"event"}
_MARKS = re.compile(r"[^a-z0-9]")


def usual_rank(rule_text: str) -> int:
    """Tell how usual a name is for a key, 0 the most.

    Args:
        rule_text: A field, a pointer, or an expression with a name in it.
    """
    words = [_MARKS.sub("", word) for word in re.findall(r"[a-z0-9_.-]+", rule_text.lower())]
    return min((rank for rank, name in enumerate(_USUAL) if name in words), default=len(_USUAL))


def is_no_key(name: str) -> bool:
    """Whether a name is that of a message, a time or a level."""
    return _MARKS.sub("", name.rpartition("/")[2].lower()) in _NEVER


def names_an_identifier(word: str) -> bool:
    """Whether a word usually stands before an identifier, such as ``session`` or ``order_id``."""
    plain = _MARKS.sub("", word.lower())
    return plain in _USUAL or plain.endswith(("id", "uuid", "guid"))
