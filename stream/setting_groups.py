"""The groups of the settings tree: every leaf with its default, its limits and one sentence on what it is for."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from model.errors import ConfigurationError
from model.lines.key_rule import KeyRule, Without
from stream.windowing.windows import StateLimits

__all__ = [
    "AlertSettings",
    "ConsumerSettings",
    "KafkaSettings",
    "KeySettings",
    "LineSettings",
    "LoggingSettings",
    "MetricsSettings",
    "ModelSettings",
    "RedisSettings",
    "WorkerSettings",
]

_LAST_PORT = 65_535

_SERVER = r"(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9._-]+):\d{1,5}"

Topic = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9._-]{1,249}$",
        json_schema_extra={"allowed": "a topic name: 1 to 249 of letters, digits, '.', '_' and '-'"},
    ),
]


class _Group(BaseModel):
    # Inputs are hidden because pydantic's own text would repeat passwords in a traceback.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class KafkaSettings(_Group):
    """Where Kafka is, how to sign in, and the names of the topics."""

    bootstrap_servers: str = Field(
        default="127.0.0.1:9092",
        description="Brokers to ask first.",
        pattern=rf"^{_SERVER}(,\s*{_SERVER})*$",
        json_schema_extra={"allowed": "host:port, several separated by commas"},
    )
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        default="PLAINTEXT", description="Whether the connection is encrypted and signed in."
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        default="PLAIN", description="How to sign in."
    )
    sasl_plain_username: str | None = Field(default=None, description="User name, for the SASL protocols.")
    sasl_plain_password: SecretStr | None = Field(default=None, description="Password, for the SASL protocols.")
    ssl_cafile: Path | None = Field(default=None, description="Certificates to trust; the system's own where unset.")
    ssl_certfile: Path | None = Field(default=None, description="Client certificate.")
    ssl_keyfile: Path | None = Field(default=None, description="Key of the client certificate.")
    ssl_password: SecretStr | None = Field(default=None, description="Password of the key file.")
    ssl_check_hostname: bool = Field(default=True, description="Whether the broker's name must match its certificate.")
    logs_topic: Topic = Field(default="logs", description="Keyed log lines: what consumers read.")
    raw_topic: Topic = Field(default="logs-raw", description="Log lines without keys: what rekey reads.")
    alerts_topic: Topic = Field(default="alerts", description="Where alerts go.")
    dead_letters_topic: Topic = Field(
        default="dead-letters", description="Where records and windows go that cannot be used."
    )
    session_timeout_ms: int = Field(
        default=10_000,
        ge=6_000,
        le=1_800_000,
        description="Silence after which Kafka gives a process's partitions to others.",
    )
    start_at: Literal["earliest", "latest"] = Field(
        default="earliest",
        description="Where to begin at the first start; partitions that are added later are read from their beginning.",
    )

    @field_validator("bootstrap_servers")
    @classmethod
    def _check_ports(cls, servers: str) -> str:
        for server in servers.split(","):
            port = server.rpartition(":")[2]
            if not 1 <= int(port) <= _LAST_PORT:
                raise ValueError(f"there is no port {port}, only 1 to {_LAST_PORT}")
        return servers

    @field_validator("ssl_cafile", "ssl_certfile", "ssl_keyfile")
    @classmethod
    def _check_file(cls, path: Path | None) -> Path | None:
        try:
            if path is not None:
                path.open("rb").close()
        except OSError as error:
            raise ValueError(f"it cannot be read: {error.strerror}") from error
        return path

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        signs_in = self.security_protocol.startswith("SASL")
        if signs_in and (not self.sasl_plain_username or self.sasl_plain_password is None):
            raise ValueError(
                f"kafka.security_protocol is {self.security_protocol}: set kafka.sasl_plain_username and "
                "kafka.sasl_plain_password too."
            )
        if self.sasl_plain_password is not None and not signs_in:
            raise ValueError(
                f"kafka.sasl_plain_password is set, but kafka.security_protocol is {self.security_protocol}, which "
                "does not sign in; allowed with it: SASL_SSL, SASL_PLAINTEXT."
            )
        if self.ssl_keyfile is not None and self.ssl_certfile is None:
            raise ValueError("kafka.ssl_keyfile is set without kafka.ssl_certfile; set both or neither.")
        topics = [self.logs_topic, self.raw_topic, self.alerts_topic, self.dead_letters_topic]
        if len(set(topics)) < len(topics):
            raise ValueError(
                "two of kafka.logs_topic, raw_topic, alerts_topic and dead_letters_topic have the same name "
                f"({', '.join(topics)}); each needs a topic of its own."
            )
        return self

    def client_options(self) -> dict[str, Any]:
        """Return what every kafka-python client takes to connect, passwords in clear: never print it."""
        options: dict[str, Any] = {
            "bootstrap_servers": [server.strip() for server in self.bootstrap_servers.split(",")],
            "security_protocol": self.security_protocol,
        }
        if self.security_protocol.startswith("SASL"):
            options |= {name: _plain(getattr(self, name)) for name in type(self).model_fields if name[:5] == "sasl_"}
        if self.security_protocol.endswith("SSL"):
            options |= {name: _plain(getattr(self, name)) for name in type(self).model_fields if name[:4] == "ssl_"}
        return options


class RedisSettings(_Group):
    """Where the window state is, and how much of it there may be."""

    url: SecretStr = Field(
        default=SecretStr("redis://127.0.0.1:6379/0"),
        description="Server (of a Redis Cluster any), credentials and database.",
        json_schema_extra={"allowed": "redis://[user:password@]host:port/database, rediss://… or unix://…"},
    )
    max_ready_bytes: int = Field(
        default=64 << 20,
        ge=1_000,
        description="Memory that a partition's windows waiting to be scored may take before its consumer pauses.",
    )
    max_open_sessions: int = Field(
        default=100_000,
        ge=1,
        description="Sessions a partition may have open; beyond, the one silent longest is ended and scored.",
    )
    max_waiting_events: int = Field(
        default=50_000,
        ge=1,
        description="Events of a partition that may wait for the grace to pass; beyond, the oldest no longer wait.",
    )
    max_novel_events: int = Field(
        default=10_000, ge=0, description="Novel events whose first sight and sample are kept."
    )

    @field_validator("url")
    @classmethod
    def _check_scheme(cls, url: SecretStr) -> SecretStr:
        if not url.get_secret_value().startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("it has another scheme")
        # Neither the address nor a part of it is repeated: it may be a password that stands in the wrong place.
        server = url.get_secret_value().partition("?")[0].rpartition("@")[2]
        path = server.rpartition("://")[2].partition("/")[2]
        if path and not (path.isascii() and path.isdigit()) and not url.get_secret_value().startswith("unix://"):
            raise ValueError("what stands after the last '/' is no number of a database")
        return url

    def limits(self) -> StateLimits:
        """Return how much the state of a partition may hold."""
        return StateLimits(self.max_open_sessions, self.max_waiting_events)


class ModelSettings(_Group):
    """Which trained model to use."""

    path: Path = Field(default=Path("runs/model"), description="Folder of the artefact that `logscry train` wrote.")


class LineSettings(_Group):
    """How lines are written, where it is not as in training."""

    format: str | None = Field(
        default=None,
        min_length=1,
        description="How lines are written, where not as in training.",
        json_schema_extra={"allowed": "json, otlp-json, otlp-proto, text, a header, or such as `<Time> <Content>`"},
    )
    message_field: str | None = Field(
        default=None, min_length=1, description="Where JSON has the message: a name or a JSON pointer."
    )
    time_field: str | None = Field(default=None, min_length=1, description="Where JSON has the time: likewise.")
    time_zone: str | None = Field(
        default=None,
        min_length=1,
        description="Zone of times that state none; as in training where unset.",
        json_schema_extra={"allowed": "UTC, an offset such as +02:00, or a name such as Europe/Berlin"},
    )


class KeySettings(_Group):
    """Where lines without a record key have theirs: what the key options say, for ``rekey`` and ``up``."""

    pattern: str | None = Field(
        default=None, min_length=1, description="Expression (RE2) whose groups are a line's key, or parts of it."
    )
    fields: str | None = Field(
        default=None,
        min_length=1,
        description="Fields that are a line's key, or parts of it.",
        json_schema_extra={"allowed": "names or JSON pointers, several separated by commas"},
    )
    headers: str | None = Field(
        default=None,
        min_length=1,
        description="Record headers that are the key, or parts of it.",
        json_schema_extra={"allowed": "names, several separated by commas"},
    )
    record: bool = Field(default=False, description="Whether the record's own key is a part of the new one.")
    without: Without = Field(default="dead-letter", description="What happens to lines without a key.")

    @model_validator(mode="after")
    def _check_rule(self) -> Self:
        try:
            self.rule()
        except ConfigurationError as error:
            raise ValueError(f"under key, {error}") from error
        return self

    def rule(self) -> KeyRule:
        """Return the same as a rule; one that assigns no keys where nothing is set."""
        return KeyRule(self.record, _names(self.headers), _names(self.fields), self.pattern, self.without)


class ConsumerSettings(_Group):
    """How a consumer polls."""

    poll_records: int = Field(default=2_000, ge=1, le=100_000, description="The most records of one poll.")
    poll_timeout_ms: int = Field(default=200, ge=1, le=2_000, description="How long a poll waits for records.")
    idle_timeout_ms: int = Field(
        default=30_000,
        ge=1_000,
        description="Silence after which a partition's waits and sessions end by the clock on the wall.",
    )


class WorkerSettings(_Group):
    """How a model worker gathers windows and deals with those that fail."""

    batch_windows: int = Field(default=256, ge=1, le=16_384, description="The most windows scored at once.")
    max_delay_ms: int = Field(
        default=100, ge=0, le=60_000, description="How long the first window of a batch waits for more."
    )
    claim_idle_ms: int = Field(
        default=30_000, ge=100, description="How long a window may lie with a silent worker before another takes it."
    )
    max_deliveries: int = Field(
        default=5, ge=1, le=1_000, description="Tries after which a window that fails becomes a dead letter."
    )
    threads: int = Field(default=1, ge=1, le=256, description="Processor threads that the network may use.")


class MetricsSettings(_Group):
    """Where /metrics and /healthz are served."""

    host: str = Field(default="127.0.0.1", min_length=1, description="Address to bind; nothing is served beyond it.")
    port: int = Field(default=0, ge=0, le=_LAST_PORT, description="Port to bind; 0 serves nothing.")


class LoggingSettings(_Group):
    """What the process writes about itself, on standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least severe event written."
    )
    format: Literal["auto", "console", "json"] = Field(
        default="auto", description="auto: console on a terminal, JSON lines elsewhere."
    )


class AlertSettings(_Group):
    """What an alert carries."""

    include_lines: bool = Field(
        default=True, description="Whether an alert carries raw lines, read back from the logs topic."
    )


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in (text or "").split(",") if name.strip())


def _plain(value: object) -> object:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return str(value) if isinstance(value, Path) else value
