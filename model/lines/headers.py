"""Headers of text logs: where the message begins, and how the time before it is written.

A header is looked for in the *shape* of a line (every run of digits is ``0``), so where the message begins is part of
what a shape decides, and one dictionary from the shape of a whole line to its event ID stays exact. The table goes from
the particular to the general: a line that has a log4j header also begins with an ISO 8601 time.

The expressions run in linear time: every repetition is of one class that excludes what comes after it, or is bounded.
"""

import re
from dataclasses import dataclass

__all__ = ["HEADERS", "PLAIN", "Header"]


@dataclass(frozen=True, slots=True)
class Header:
    """A kind of text log.

    Attributes:
        name: As it stands in a stored format.
        pattern: Matches the shape of a line up to its message.
        style: The name of its time style (``model.lines.times``), None where it states no time.
    """

    name: str
    pattern: re.Pattern[bytes]
    style: str | None

    def message(self, shape: bytes) -> bytes:
        """Cut the header off.

        Args:
            shape: The shape of a whole line.

        Returns:
            The shape of its message; the whole line where it has no such header, or nothing comes after it.
        """
        match = self.pattern.match(shape)
        message = shape[match.end() :].strip() if match else b""
        return message or shape.strip()


_ISO = rb"\[?0[-/.]0[-/.]0[ T]0:0:0(?:[.,]0)?(?: ?(?:Z|UTC|GMT|[+-]0(?::0)?)\b)?\]?"
_LEVEL = (
    rb"\[?(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERR|ERROR|CRIT|CRITICAL|FATAL|ALERT|EMERG|SEVERE|FINE|FINER|FINEST"
    rb"|[Tt]race|[Dd]ebug|[Ii]nfo|[Nn]otice|[Ww]arn|[Ww]arning|[Ee]rr|[Ee]rror|[Cc]rit|[Cc]ritical|[Ff]atal)\b\]?"
)
_SYSLOG_TIME = rb"[A-Z][a-z][a-z] {1,2}0 0:0:0 "
_WEEKDAY_TIME = rb"\[[A-Z][a-z][a-z] [A-Z][a-z][a-z] {1,2}0 0:0:0(?:\.0)? 0\] "
# sshd[123]: and kernel: and su(pam_unix)[9]: and com.apple.xpc.launchd[1] (com.apple.thing[2]):
_TAG = rb"(?:[^\s:\[(]{1,64}(?:\([^)\s]{0,64}\))?(?:\[0\])?(?: \([^)\s]{1,128}\))?: ?)?"
_LOGGER = rb"[A-Za-z_$][\w$.\-/]{0,200}"
_THREAD = rb"\[[^\]]{0,200}\]"
_GAP = rb"[ \t]+"

_TABLE: tuple[tuple[str, bytes, str | None], ...] = (
    ("hdfs", rb"0 0 0 [A-Z]+ [^\s:]+: ", "hdfs"),
    ("bgl", rb"\S+ 0 0\.0\.0 \S+ 0-0-0-0\.0\.0\.0 \S+ \S+ \S+ [A-Z]+ ", "second-word"),
    ("supercomputer-syslog", rb"\S+ 0 0\.0\.0 \S+ " + _SYSLOG_TIME + rb"\S+ " + _TAG, "second-word"),
    ("klog", rb"[IWEF]0 0:0:0\.0 +0 [^\s\]]+:0\] ", "klog"),
    ("logcat", rb"0-0 0:0:0\.0 +0 +0 [VDIWEFS] [^:]{1,64}: ?", "logcat"),
    ("syslog-5424", rb"<0>0 " + _ISO + rb" \S+ \S+ \S+ \S+ (?:-|(?:\[(?:[^\]\"]|\"[^\"]*\")*\])+) ?", "priority-iso"),
    ("syslog-3164-priority", rb"<0>" + _SYSLOG_TIME + rb"\S+ " + _TAG, "priority-month-day"),
    ("syslog-3164", _SYSLOG_TIME + rb"\S+ " + _TAG, "month-day"),
    ("syslog-iso", rb"0-0-0T0:0:0(?:\.0)?(?:Z|[+-]0:0) [\w.-]+ [^\s:\[]{1,64}(?:\[0\])?: ", "iso"),
    ("access", rb"\S{1,255} \S{1,255} [^\[\"]{1,255}\[0/[A-Z][a-z][a-z]/0:0:0:0(?: [+-]0)?\] ", "access"),
    (
        "apache-error",
        _WEEKDAY_TIME + rb"\[[^\]]*\] (?:\[pid [^\]]*\] )?(?:\[client [^\]]*\] )?",
        "weekday",
    ),
    ("nginx-error", rb"0/0/0 0:0:0 \[\w+\] 0#0: (?:\*0 )?", "iso"),
    ("slashes-logger", rb"0/0/0 0:0:0 [A-Z]+ [^\s:]+: ", "slashes"),
    ("bars", rb"0-0:0:0:0\|[^|]{0,200}\|[^|]{0,200}\|", "dashed"),
    ("bracketed-month-day", rb"\[0\.0 0:0:0\] \S+(?: \*0)? - ", "dotted"),
    ("epoch-fifth", rb"0 \S+ \S+ \S+ 0 0 ", "fifth-word"),
    ("oslo", rb"(?:\S+ )?0-0-0 0:0:0\.0 0 [A-Z]+ " + _LOGGER + rb" (?:\[[^\]]*\] )?", "iso-inside"),
    ("spring", _ISO + _GAP + _LEVEL + _GAP + rb"0 --- " + _THREAD + _GAP + _LOGGER + rb" *: ", "iso"),
    ("python", _ISO + rb" - " + _LOGGER + rb" - " + _LEVEL + rb" - ", "iso"),
    ("zookeeper", _ISO + rb" - " + _LEVEL + _GAP + rb"\[.{0,200}?@0\] - ", "iso"),
    ("component", _ISO + rb", " + _LEVEL + rb"[ \t]{2,}[A-Z]+[ \t]{2,}", "iso"),
    ("log4j-thread", _ISO + _GAP + _LEVEL + _GAP + _THREAD + _GAP + _LOGGER + rb"(?: ?[:\-]|:)? ", "iso"),
    ("logback", _ISO + _GAP + _THREAD + _GAP + _LEVEL + _GAP + _LOGGER + rb" ?[:\-] ", "iso"),
    ("log4j", _ISO + _GAP + _LEVEL + _GAP + _LOGGER + rb" ?[:\-] ", "iso"),
    ("logger-level", _ISO + _GAP + _LOGGER + _GAP + _LEVEL + rb":? ", "iso"),
    ("iso-thread-level", _ISO + _GAP + _THREAD + _GAP + _LEVEL + rb"[:,]? (?:- )?", "iso"),
    ("iso-level", _ISO + rb",?" + _GAP + rb"(?:- )?" + _LEVEL + rb"[:,]? +(?:- )?", "iso"),
    ("iso", _ISO + rb",? +(?:- )?", "iso"),
    ("named-time", rb"(?:time|ts|timestamp)=\"?0-0-0[ T]0:0:0(?:[.,]0)?\S* ", "named-iso"),
    ("python-basic", _LEVEL + rb":" + _LOGGER + rb":", None),
    ("level", _LEVEL + rb":? +", None),
)

#: Text without a header: the whole line is the message.
PLAIN = Header("plain", re.compile(b""), None)
HEADERS: dict[str, Header] = {name: Header(name, re.compile(pattern), style) for name, pattern, style in _TABLE}
HEADERS[PLAIN.name] = PLAIN
