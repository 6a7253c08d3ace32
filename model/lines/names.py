"""The usual names of fields, as libraries and shippers write them, the commonest first."""

__all__ = ["LEVEL_FIELDS", "MESSAGE_FIELDS", "TIME_FIELDS"]

MESSAGE_FIELDS = (
    "message",
    "msg",
    "log",  # Docker, Fluent Bit
    "body",  # OpenTelemetry
    "event",  # structlog
    "text",
    "MESSAGE",  # journald
    "@message",
    "@m",  # Serilog
    "short_message",  # GELF
    "textPayload",  # Google Cloud
    "/jsonPayload/message",
    "Message",
    "RenderedMessage",
    "MessageTemplate",
    "@mt",
)

TIME_FIELDS = (
    "time",
    "timestamp",
    "@timestamp",
    "ts",
    "time_unix_nano",
    "timeUnixNano",
    "__REALTIME_TIMESTAMP",
    "datetime",
    "date",
    "asctime",
    "eventTime",
    "Timestamp",
    "@t",
    "/instant/epochSecond",  # log4j
    "/t/$date",  # MongoDB
    "t",
    "observedTimeUnixNano",
)

LEVEL_FIELDS = (
    "level",
    "severity",
    "log.level",
    "levelname",
    "lvl",
    "severityText",
    "severity_text",
    "loglevel",
    "log_level",
    "PRIORITY",
    "Level",
    "@l",
    "s",  # MongoDB
)
