"""The one tree of settings: read once at the start, frozen, handed down in parts.

Later in this list wins: defaults, the YAML file, ``LOGSCRY_…`` variables, what the command line gives. Nothing else
reads the environment. What operators change while the service runs is in ``stream/live_settings.py`` instead.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from stream.setting_groups import (
    AlertSettings,
    ConsumerSettings,
    KafkaSettings,
    KeySettings,
    LineSettings,
    LoggingSettings,
    MetricsSettings,
    ModelSettings,
    RedisSettings,
    WorkerSettings,
)
from stream.setting_names import PREFIX, is_secret, leaves, masked, refuse_unknown_variables, translated
from stream.setting_sources import merged, nested, read_yaml

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
    "Settings",
    "WorkerSettings",
    "load_settings",
]


class Settings(BaseSettings):
    """All settings; ``Settings()`` is the defaults, `load_settings` reads the file and the environment."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    namespace: str = Field(
        default="logscry",
        description="Consumer group, and the first part of every Redis key: one for each independent service.",
        pattern=r"^[a-z0-9_-]{1,64}$",
        json_schema_extra={"allowed": "1 to 64 of a-z, 0-9, '_' and '-'"},
    )
    kafka: KafkaSettings = KafkaSettings()
    redis: RedisSettings = RedisSettings()
    model: ModelSettings = ModelSettings()
    lines: LineSettings = LineSettings()
    key: KeySettings = KeySettings()
    consumer: ConsumerSettings = ConsumerSettings()
    worker: WorkerSettings = WorkerSettings()
    metrics: MetricsSettings = MetricsSettings()
    logging: LoggingSettings = LoggingSettings()
    alerts: AlertSettings = AlertSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 -- the signature is pydantic-settings'
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take what is given and nothing else: only `load_settings` looks around."""
        return (init_settings,)

    def describe(self) -> dict[str, str]:
        """Return every setting by its dotted name, with all secrets masked: this may be printed."""
        return {dotted: self._shown(dotted, is_secret(leaf)) for dotted, leaf in leaves(type(self)).items()}

    def _shown(self, dotted: str, secret: bool) -> str:  # noqa: FBT001 -- one private caller
        value: Any = self
        for name in dotted.split("."):
            value = getattr(value, name)
        if value is None:
            return "unset"
        if dotted == "redis.url":
            return masked(value.get_secret_value())
        return "***" if secret else str(value).lower() if isinstance(value, bool) else str(value)


def load_settings(config: Path | None = None, overrides: Mapping[str, object] | None = None) -> Settings:
    """Read the settings from the YAML file, the environment and the command line.

    Args:
        config: The YAML file; where None, ``LOGSCRY_CONFIG`` may name one.
        overrides: Dotted names with values, such as ``{"kafka.logs_topic": "app-logs"}``; None values are left out.

    Raises:
        ConfigurationError: With the setting, the given value (never a secret) and what is allowed.
    """
    refuse_unknown_variables(os.environ, Settings)
    named = os.environ.get("LOGSCRY_CONFIG")
    path = config or (Path(named) if named else None)
    given = (EnvSettingsSource(Settings)(), nested(overrides or {}, leaves(Settings)))
    values = merged(read_yaml(path) if path else {}, *given)
    try:
        return Settings(**values)
    except ValidationError as error:
        # Not chained: pydantic's error repeats names, and a password may have been written as a part of one.
        raise translated(error, Settings) from None
