"""The known headers: name, expression for the shape of a line up to its message, time style.

Every run of digits of a shape is ``0``. The expressions run in linear time: every repetition is of one class that
excludes what comes after it, or is bounded. Their named groups say what is what; ``model.lines.times`` has the styles.
"""

__all__ = ["ENVELOPES", "TABLE"]

_ZONE = rb"(?: ?(?:Z|UTC|GMT|[+-]0(?::0)?)\b)?"
_TIME = rb"(?P<time>0[-/.]0[-/.]0[ T]0:0:0(?:[.,]0)?(?: ?[AP]M\b)?" + _ZONE + rb")"
_ISO = rb"\[?" + _TIME + rb"\]?"
_LEVEL = (
    rb"\[?(?P<level>TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERR|ERROR|CRIT|CRITICAL|FATAL|ALERT|EMERG|SEVERE|FINE|FINER"
    rb"|FINEST|SUCCESS|[Tt]race|[Dd]ebug|[Ii]nfo|[Nn]otice|[Ww]arn|[Ww]arning|[Ee]rr|[Ee]rror|[Cc]rit|[Cc]ritical"
    rb"|[Ff]atal)\b\]?"
)
_MONTH_TIME = rb"(?P<time>[A-Z][a-z][a-z] {1,2}0 0:0:0)"
_HOST = rb"(?P<host>\S+)"
# sshd[123]: and kernel: and su(pam_unix)[9]: and com.apple.xpc.launchd[1] (com.apple.thing[2]):
_TAG = rb"(?:(?P<app>[^\s:\[(]{1,64})(?:\([^)\s]{0,64}\))?(?:\[(?P<pid>0)\])?(?: \([^)\s]{1,128}\))?: ?)?"
_SYSLOG = rb" " + _HOST + rb" " + _TAG
_DATA = rb"(?:-|(?:\[(?:[^\]\"\\]|\"(?:[^\"\\]|\\.)*\")*\])+)"
_LOGGER = rb"(?P<logger>[A-Za-z_$][\w$.\-/]{0,200})"
_THREAD = rb"\[(?P<thread>[^\]]{0,200})\]"
_BRACKETS = rb"\[[^\]]{0,200}\]"
_GAP = rb"[ \t]+"

#: What a log server or a container runtime puts in front of a line that may have a header of its own.
ENVELOPES: tuple[tuple[str, bytes, str | None], ...] = (
    (
        "syslog-5424",
        rb"<0>0 (?:"
        + _TIME
        + rb"|-) "
        + _HOST
        + rb" (?P<app>\S+) (?P<pid>\S+) (?P<id>\S+) "
        + _DATA
        # the byte order mark says that the message is UTF-8
        + rb"(?: (?:\xef\xbb\xbf)?)?",
        "priority-iso",
    ),
    ("syslog-3164-priority", rb"<0>" + _MONTH_TIME + _SYSLOG, "priority-month-day"),
    ("syslog-3164", _MONTH_TIME + _SYSLOG, "month-day"),
    ("syslog-precise", rb"(?:<0>)?(?P<time>[A-Z][a-z][a-z] {1,2}0 0:0:0\.0)" + _SYSLOG, "month-day-precise"),
    (
        "syslog-iso",
        (
            rb"(?:<0>)?(?P<time>0-0-0T0:0:0(?:\.0)?(?:Z|[+-]0(?::0)?)) (?P<host>[\w.-]+) "
            rb"(?P<app>[^\s:\[]{1,64})(?:\[(?P<pid>0)\])?: "
        ),
        "iso",
    ),
    ("cri", rb"(?P<time>0-0-0T0:0:0(?:\.0)?(?:Z|[+-]0:0)) (?P<stream>stdout|stderr) [FP](?::\S{0,64})? ", "iso"),
)

#: From the particular to the general: a line that has a log4j header also begins with an ISO 8601 time.
TABLE: tuple[tuple[str, bytes, str | None], ...] = (
    ("hdfs", rb"(?P<time>0 0) (?P<pid>0) (?P<level>[A-Z]+) (?P<logger>[^\s:]+): ", "hdfs"),
    (
        "bgl",
        rb"\S+ (?P<time>0) 0\.0\.0 (?P<host>\S+) 0-0-0-0\.0\.0\.0 \S+ \S+ (?P<logger>\S+) (?P<level>[A-Z]+) ",
        "second-word",
    ),
    (
        "supercomputer-syslog",
        rb"\S+ (?P<time>0) 0\.0\.0 (?P<host>\S+) [A-Z][a-z][a-z] {1,2}0 0:0:0 \S+ " + _TAG,
        "second-word",
    ),
    ("klog", rb"(?P<level>[IWEF])(?P<time>0 0:0:0\.0) +(?P<pid>0) (?P<logger>[^\s\]]+:0)\] ", "klog"),
    (
        "logcat",
        rb"(?P<time>0-0 0:0:0\.0) +(?P<pid>0) +(?P<thread>0) (?P<level>[VDIWEFS]) (?P<logger>[^:]{1,64}): ?",
        "logcat",
    ),
    *ENVELOPES,
    (
        "access",
        rb"(?P<client>\S{1,255}) \S{1,255} [^\[\"]{1,255}\[(?P<time>0/[A-Z][a-z][a-z]/0[: ]0:0:0(?: [+-]0)?)\] ",
        "access",
    ),
    (
        "apache-error",
        (
            rb"\[(?P<time>[A-Z][a-z][a-z] [A-Z][a-z][a-z] {1,2}0 0:0:0(?:\.0)? 0)\] \[(?P<level>[^\]]*)\] "
            rb"(?:\[pid (?P<pid>[^\]]*)\] )?(?:\[client (?P<client>[^\]]*)\] )?"
        ),
        "weekday",
    ),
    ("nginx-error", rb"(?P<time>0/0/0 0:0:0) \[(?P<level>\w+)\] (?P<pid>0)#0: (?:\*0 )?", "iso"),
    ("slashes-logger", rb"(?P<time>0/0/0 0:0:0) (?P<level>[A-Z]+) (?P<logger>[^\s:]+): ", "slashes"),
    ("bars", rb"(?P<time>0-0:0:0:0)\|(?P<logger>[^|]{0,200})\|(?P<pid>[^|]{0,200})\|", "dashed"),
    ("bracketed-month-day", rb"\[(?P<time>0\.0 0:0:0)\] (?P<app>\S+)(?: \*0)? - ", "dotted"),
    ("epoch-fifth", rb"0 (?P<host>\S+) (?P<logger>\S+) \S+ (?P<time>0) 0 ", "fifth-word"),
    (
        "oslo",
        rb"(?:\S+ )?(?P<time>0-0-0 0:0:0\.0) (?P<pid>0) (?P<level>[A-Z]+) " + _LOGGER + rb" (?:\[[^\]]*\] )?",
        "iso-inside",
    ),
    (
        "postgres",
        (
            rb"(?P<time>0-0-0 0:0:0(?:\.0)?) [A-Z]{3,5} \[(?P<pid>0)(?:-0)?\] (?:[^\s:]{1,200} )?"
            rb"(?P<level>[A-Z]{3,9}): +"
        ),
        "iso",
    ),
    ("mysql", _TIME + rb" (?P<pid>0) \[(?P<level>\w+)\] (?:\[[^\]]{0,64}\] ){0,2}", "iso"),
    ("redis", rb"(?P<pid>0):[A-Z] (?P<time>0 [A-Z][a-z][a-z] 0 0:0:0\.0) (?P<level>[.*#-]) ", "redis"),
    (
        "catalina",
        rb"(?P<time>0-[A-Z][a-z][a-z]-0 0:0:0\.0) " + _LEVEL + rb" " + _THREAD + rb" " + _LOGGER + rb" ",
        "day-month",
    ),
    ("ruby", rb"[A-Z], \[(?P<time>0-0-0T0:0:0\.0) #(?P<pid>0)\] +" + _LEVEL + rb" -- (?P<app>[^:]{0,200}): ", "ruby"),
    (
        "elasticsearch",
        rb"\[" + _TIME + rb"\]\[(?P<level>[A-Z]+) *\]\[(?P<logger>[\w.$]+) *\] (?:" + _BRACKETS + rb" ?)?",
        "iso",
    ),
    (
        "envoy",
        rb"\[" + _TIME + rb"\]\[(?P<pid>0)\]\[(?P<level>\w+)\]\[(?P<logger>[\w.]+)\] (?:" + _BRACKETS + rb" )?",
        "iso",
    ),
    ("gunicorn", rb"\[" + _TIME + rb"\] \[(?P<pid>0)\] " + _LEVEL + rb" ", "iso"),
    ("celery", rb"\[" + _TIME + rb": (?P<level>[A-Z]+)/(?P<thread>[^\]]{1,64})\] ", "iso"),
    ("loguru", _TIME + rb" \| (?P<level>[A-Z]+) *\| (?P<logger>[^\s|]{1,300}) - ", "iso"),
    ("env-logger", rb"\[" + _TIME + rb" (?P<level>[A-Z]+) +(?P<logger>[\w:]{1,200})\] ", "iso"),
    ("rust", _TIME + _GAP + rb"(?P<level>[A-Z]+) (?P<logger>\w{1,64}(?:::\w{1,64}){1,9}): ", "iso"),
    ("go-log", _TIME + rb" (?P<logger>[\w./-]{1,200}\.go:0): ", "iso"),
    (
        "zap-console",
        _TIME + rb"\t(?P<level>[A-Za-z]+)\t(?:(?P<logger>[^\s:]{1,200})\t)?(?:[\w./@-]{1,300}:0\t)?",
        "iso",
    ),
    ("spring", _ISO + _GAP + _LEVEL + _GAP + rb"(?P<pid>0) --- " + _THREAD + _GAP + _LOGGER + rb" *: ", "iso"),
    ("python", _ISO + rb" - " + _LOGGER + rb" - " + _LEVEL + rb" - ", "iso"),
    ("zookeeper", _ISO + rb" - " + _LEVEL + _GAP + rb"\[(?P<thread>.{0,200}?@0)\] - ", "iso"),
    ("component", _ISO + rb", " + _LEVEL + rb"[ \t]{2,}(?P<logger>[A-Z]+)[ \t]{2,}", "iso"),
    ("log4j-thread", _ISO + _GAP + _LEVEL + _GAP + _THREAD + _GAP + _LOGGER + rb"(?: ?[:\-]|:)? ", "iso"),
    ("logback", _ISO + _GAP + _THREAD + _GAP + _LEVEL + _GAP + _LOGGER + rb" ?[:\-] ", "iso"),
    ("log4j", _ISO + _GAP + _LEVEL + _GAP + _LOGGER + rb" ?[:\-] ", "iso"),
    ("logger-level", _ISO + _GAP + _LOGGER + _GAP + _LEVEL + rb":? ", "iso"),
    ("iso-thread-level", _ISO + _GAP + _THREAD + _GAP + _LEVEL + rb"[:,]? (?:- )?", "iso"),
    ("iso-level", _ISO + rb",?" + _GAP + rb"(?:- )?" + _LEVEL + rb"[:,]? +(?:- )?", "iso"),
    ("iso", _ISO + rb",? +(?:- )?", "iso"),
    ("level-iso", _LEVEL + rb":? " + _ISO + rb" (?:- )?", "iso-inside"),
    ("named-time", rb"(?:time|ts|timestamp)=\"?(?P<time>0-0-0[ T]0:0:0(?:[.,]0)?)\S* ", "named-iso"),
    ("python-basic", _LEVEL + rb":" + _LOGGER + rb":", None),
    ("level", _LEVEL + rb":? +", None),
)
