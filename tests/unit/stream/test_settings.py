"""Settings: where they come from, what is refused, and what is never shown."""

import os
import traceback
from pathlib import Path

import pytest
from pydantic import ValidationError

from model.errors import ConfigurationError
from stream.setting_names import leaves, variable_name
from stream.settings import KafkaSettings, Settings, load_settings

PASSWORD = "s3cret-word"  # noqa: S105 -- what must not be shown


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch):
    for dotted in [*leaves(Settings), "config"]:
        monkeypatch.delenv(variable_name(dotted), raising=False)


def _file(folder: Path, text: str) -> Path:
    path = folder / "settings.yaml"
    path.write_text(text)
    return path


def _refusal(config: Path | None = None, **overrides: object) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(config, {name.replace("__", "."): value for name, value in overrides.items()})
    return str(caught.value)


def test_everything_has_a_default():
    """With nothing given, the settings are the documented defaults."""
    settings = load_settings()

    assert settings == Settings()
    assert settings.kafka.bootstrap_servers == "127.0.0.1:9092"


def test_settings_read_no_environment_by_themselves(monkeypatch):
    """Only load_settings looks at the environment."""
    monkeypatch.setenv("LOGSCRY_NAMESPACE", "other")

    assert Settings().namespace == "logscry"
    assert load_settings().namespace == "other"


def test_command_line_beats_environment_beats_file(monkeypatch, tmp_path):
    """The nearer source wins, leaf by leaf, and the other leaves of a group stay."""
    config = _file(tmp_path, "kafka: {logs_topic: file, raw_topic: file-raw, alerts_topic: file-alerts}")
    monkeypatch.setenv("LOGSCRY_KAFKA__LOGS_TOPIC", "environment")
    monkeypatch.setenv("LOGSCRY_KAFKA__RAW_TOPIC", "environment-raw")

    kafka = load_settings(config, {"kafka.logs_topic": "line", "kafka.start_at": None}).kafka

    assert (kafka.logs_topic, kafka.raw_topic, kafka.alerts_topic) == ("line", "environment-raw", "file-alerts")
    assert kafka.start_at == "earliest"


def test_a_variable_can_name_the_file(monkeypatch, tmp_path):
    """LOGSCRY_CONFIG stands for --config."""
    monkeypatch.setenv("LOGSCRY_CONFIG", str(_file(tmp_path, "namespace: from-file")))

    assert load_settings().namespace == "from-file"


def test_an_empty_variable_is_no_value(monkeypatch):
    """Compose files pass unset variables on as empty ones."""
    monkeypatch.setenv("LOGSCRY_METRICS__HOST", "")

    assert load_settings().metrics.host == "127.0.0.1"


def test_a_group_with_all_its_lines_commented_out_is_fine(tmp_path):
    """YAML reads such a group as null."""
    assert load_settings(_file(tmp_path, "kafka:\n# logs_topic: x\n")) == Settings()


def test_the_tree_is_frozen():
    """Nobody changes a setting after the start."""
    with pytest.raises(ValidationError):
        Settings().kafka.logs_topic = "other"


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("kafka.session_timeout_ms", "soon", "a whole number from 6000 to 1800000"),
        ("kafka.session_timeout_ms", "5", "a whole number from 6000 to 1800000"),
        ("kafka.bootstrap_servers", "broker", "host:port, several separated by commas"),
        ("kafka.logs_topic", "a b", "a topic name: 1 to 249 of letters, digits, '.', '_' and '-'"),
        ("kafka.start_at", "middle", "one of earliest, latest"),
        ("namespace", "Logs", "1 to 64 of a-z, 0-9, '_' and '-'"),
        ("alerts.include_lines", "perhaps", "true or false"),
        ("worker.max_deliveries", "0", "a whole number from 1 to 1000"),
        ("logging.level", "loud", "one of debug, info, warning, error"),
        ("metrics.port", "70000", "a whole number from 0 to 65535"),
    ],
)
def test_a_wrong_value_is_refused_with_what_is_allowed(monkeypatch, name, value, allowed):
    """The refusal holds the dotted name, the variable, the value and the limits."""
    monkeypatch.setenv(variable_name(name), value)

    assert _refusal() == f"{name} ({variable_name(name)}) is {value!r}; allowed: {allowed}."


@pytest.mark.parametrize("servers", ["a:1, b:65536", "a:0", "[::1]:99999"])
def test_a_port_that_there_is_not_is_refused(servers):
    """Each broker's port is looked at before anybody connects."""
    refusal = _refusal(kafka__bootstrap_servers=servers)

    assert refusal.startswith(f"kafka.bootstrap_servers (LOGSCRY_KAFKA__BOOTSTRAP_SERVERS) is {servers!r} (there is no")
    assert "1 to 65535" in refusal


@pytest.mark.parametrize("servers", ["a:1", "a:65535,[::1]:9092"])
def test_every_other_port_is_fine(servers):
    """The limits themselves are allowed."""
    assert load_settings(None, {"kafka.bootstrap_servers": servers}).kafka.bootstrap_servers == servers


@pytest.mark.parametrize("name", ["kafka.ssl_cafile", "kafka.ssl_certfile", "kafka.ssl_keyfile"])
@pytest.mark.parametrize(("leaf", "reason"), [("missing.pem", "No such file or directory"), (".", "Is a directory")])
def test_a_certificate_that_cannot_be_read_is_refused(tmp_path, name, leaf, reason):
    """It is opened once when the settings are read, so that no connection fails for it later."""
    path = str(tmp_path / leaf)

    refusal = _refusal(None, **{name: path})

    assert refusal.startswith(f"{name} ({variable_name(name)}) is ")
    assert f"(it cannot be read: {reason}); allowed: a path." in refusal


def test_every_mistake_is_named_at_once(tmp_path):
    """One start shows all mistakes of a file, each on its line."""
    refusal = _refusal(_file(tmp_path, "logging: {level: loud}\nworker: {batch_windows: none}"))

    assert [line.split()[0] for line in refusal.splitlines()] == ["worker.batch_windows", "logging.level"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("kafka: {logs_topik: x}", "kafka.logs_topik names no setting. Did you mean kafka.logs_topic?"),
        ("namespacee: x", "namespacee names no setting. Did you mean namespace?"),
        ("model: x", "model is a group of settings, not a value; it holds model.path."),
        ("- a", "must hold names with values"),
        ("a: b: c", "is no YAML: there is an error in line 1"),
        ("namespace: a\nnamespace: b", "is no YAML: there is an error in line 2"),
        ("kafka: {logs_topic: a, logs_topic: b}", "is no YAML: there is an error in line 1"),
        ("namespace: &a x\nmodel: {path: *a}", "is no YAML: there is an error in line 2"),
        ("kafka: {1: 2}", "settings.yaml: 1 stands under kafka where a setting's name belongs"),
        ("true: 2", "settings.yaml: True stands at the top where a setting's name belongs"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path, text, sentence):
    """Unknown names, bare groups and broken YAML are told apart."""
    assert sentence in _refusal(_file(tmp_path, text))


def test_a_pipe_is_refused(tmp_path):
    """Nobody waits for somebody to write into it."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    assert "pipe cannot be read: it is no regular file" in _refusal(pipe)


def test_a_missing_file_is_refused(tmp_path):
    """A file that was named must be there."""
    assert "missing.yaml cannot be read" in _refusal(tmp_path / "missing.yaml")


def test_an_unknown_override_is_refused():
    """Names from the command line are checked like all others."""
    assert _refusal(kafka__logs="x") == "kafka.logs names no setting. Did you mean kafka.logs_topic?"


@pytest.mark.parametrize(
    ("variable", "hint"),
    [
        ("LOGSCRY_NAMESPAC", "Did you mean LOGSCRY_NAMESPACE?"),
        ("LOGSCRY_KAFKA__LOGS_TOPIK", "Did you mean LOGSCRY_KAFKA__LOGS_TOPIC?"),
        ("LOGSCRY_QQQQ", "docs/operations.md lists all settings."),
        ("LOGSCRY_CONSUMER_PORT_9400_TCP_ADDR", "enableServiceLinks: false"),
    ],
)
def test_an_unknown_variable_is_refused(monkeypatch, variable, hint):
    """A misspelt variable never passes unseen, with the likeliest cause named."""
    monkeypatch.setenv(variable, "1")

    assert _refusal().startswith(f"environment variable {variable} names no setting.")
    assert hint in _refusal()


def test_variables_of_the_test_suite_are_left_alone(monkeypatch):
    """LOGSCRY_TEST_… is no setting and no mistake."""
    monkeypatch.setenv("LOGSCRY_TEST_KAFKA", "127.0.0.1:9092")

    assert load_settings() == Settings()


@pytest.mark.parametrize(
    ("overrides", "named"),
    [
        ({"kafka__security_protocol": "SASL_SSL"}, "kafka.sasl_plain_username"),
        ({"kafka__sasl_plain_password": PASSWORD}, "kafka.security_protocol is PLAINTEXT"),
        ({"kafka__ssl_keyfile": __file__}, "kafka.ssl_certfile"),
        ({"kafka__alerts_topic": "logs"}, "have the same name (logs, logs-raw, logs, dead-letters)"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(overrides, named):
    """Cross checks name both settings."""
    assert named in _refusal(**overrides)


@pytest.mark.parametrize(
    "overrides",
    [
        {"redis.url": f"http://user:{PASSWORD}@cache"},
        {"redis.url": f"redis://cache/{PASSWORD}"},
        {"redis.url": f"rediss://u:{PASSWORD}@cache:6379/1O"},
        {"kafka.bootstrap_servers": f"user:{PASSWORD}@broker"},
        {"kafka.sasl_plain_password": PASSWORD},
        {"kafka.sasl_plain_password": [PASSWORD]},
    ],
)
def test_no_error_shows_a_secret(overrides):
    """Neither the sentence nor the traceback of a refusal holds a password."""
    with pytest.raises(ConfigurationError) as caught:
        load_settings(None, overrides)

    assert PASSWORD not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"redis: {{url:redis://u:{PASSWORD}@h/0}}", "redis.url… names no setting"),
        (f"kafka: {{sasl_plain_password:{PASSWORD}}}", "kafka.sasl_plain_password… names no setting"),
        (f"redis:\n  redis://u:{PASSWORD}@h/0: 1", "redis.redis… names no setting"),
        (f"redis://u:{PASSWORD}@h/0: {{1: 2}}", "1 stands under redis… where"),
        (f"kafka: {{? !!timestamp '2001-01-01' : {PASSWORD}}}", "2001… stands under kafka where"),
        (f"{'long.' * 20}{PASSWORD}: 1", f"{'long.' * 12}… names no setting"),
        (f"kafka: {{logs_topic: {{a: {PASSWORD}}}}}", "(LOGSCRY_KAFKA__LOGS_TOPIC) is a map; allowed"),
        (f"kafka: {{logs_topic: [{PASSWORD}]}}", "(LOGSCRY_KAFKA__LOGS_TOPIC) is a list; allowed"),
    ],
)
def test_a_value_written_as_a_part_of_a_name_is_not_shown(tmp_path, text, shown):
    """Where the blank after a colon is missing, YAML reads the password as a part of the name."""
    with pytest.raises(ConfigurationError) as caught:
        load_settings(_file(tmp_path, text))

    assert shown in str(caught.value)
    assert PASSWORD not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    "text",
    [
        "namespace: 2001-13-45",
        "redis: {url: 0x_}",
        f"namespace: {'9' * 5000}",
        f"namespace: 0x{'f' * 5000}",
        f"0x{'f' * 5000}: 1",
        "namespace: !!bool perhaps",
        "namespace: !!timestamp soon",
        "namespace: 1" + ":59" * 500 + ".5",
        "[" * 2000 + "]" * 2000,
    ],
)
def test_a_file_that_yaml_chokes_on_is_refused(tmp_path, text):
    """PyYAML lets errors of Python's own through; here they are one sentence like all others."""
    refusal = _refusal(_file(tmp_path, text))

    assert "settings" in refusal or "allowed" in refusal
    assert len(refusal) < 400


def test_a_broken_file_shows_no_secret(tmp_path):
    """YAML's own error repeats the line it fails on; ours does not."""
    config = _file(tmp_path, f"redis: {{url: '{PASSWORD}\n")

    with pytest.raises(ConfigurationError) as caught:
        load_settings(config)

    assert PASSWORD not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (f"redis://user:{PASSWORD}@cache:6379/0", "redis://***@cache:6379/0"),
        (f"rediss://:{PASSWORD}/@@cache/1", "rediss://***@cache/1"),
        (f"redis://cache:6379?password={PASSWORD}", "redis://cache:6379?***"),
        ("redis://cache:6379/0", "redis://cache:6379/0"),
    ],
)
def test_the_description_masks_secrets(url, shown):
    """What is logged at the start says where Redis is, not how to sign in."""
    settings = load_settings(
        None,
        {
            "redis.url": url,
            "kafka.security_protocol": "SASL_SSL",
            "kafka.sasl_plain_username": "reader",
            "kafka.sasl_plain_password": PASSWORD,
        },
    )

    assert settings.describe()["redis.url"] == shown
    assert settings.describe()["kafka.sasl_plain_password"] == "***"  # noqa: S105 -- the mask
    assert PASSWORD not in f"{settings.describe()} {settings!r} {settings}"


def test_client_options_hold_only_what_the_protocol_uses():
    """A plain connection passes no sign-in options, a signed one passes the password in clear."""
    plain = KafkaSettings(bootstrap_servers="a:1, b:2")
    signed = load_settings(
        None,
        {
            "kafka.security_protocol": "SASL_SSL",
            "kafka.sasl_plain_username": "reader",
            "kafka.sasl_plain_password": PASSWORD,
            "kafka.ssl_cafile": __file__,
        },
    ).kafka.client_options()

    assert plain.client_options() == {"bootstrap_servers": ["a:1", "b:2"], "security_protocol": "PLAINTEXT"}
    assert (signed["sasl_plain_password"], signed["ssl_cafile"]) == (PASSWORD, __file__)
    assert signed["sasl_mechanism"] == "PLAIN"


def test_every_setting_says_what_it_is_for():
    """Each leaf has a sentence, which the documentation repeats."""
    assert [name for name, leaf in leaves(Settings).items() if not leaf.get("description")] == []
