"""The container files: no Docker runs here, so what can be known without it is checked."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry

from stream.setting_names import PREFIX, leaves, variable_name
from stream.settings import Settings, load_settings
from stream.telemetry import ConsumerMetrics, OperatorServer, RekeyMetrics, WorkerMetrics

ROOT = Path(__file__).parents[3]
DEPLOY = ROOT / "deploy"
VERSION = re.compile(r"\d+\.\d+(\.\d+)?")

COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = [name for name, service in SERVICES.items() if service["image"].startswith("logscry:")]
DASHBOARD: dict[str, Any] = json.loads((DEPLOY / "grafana/dashboards/logscry.json").read_text(encoding="utf-8"))


def _instructions() -> list[tuple[str, str]]:
    text = re.sub(r"\\\n\s*", " ", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"))
    lines = [line.strip() for line in text.splitlines()]
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines if line and line[0] != "#")]


def _last_stage() -> list[tuple[str, str]]:
    instructions = _instructions()
    starts = [index for index, (word, _) in enumerate(instructions) if word == "FROM"]
    return instructions[starts[-1] :]


def _exposed_names() -> set[str]:
    registry = CollectorRegistry()
    for kind in (ConsumerMetrics, WorkerMetrics, RekeyMetrics):
        kind(registry)
    suffixes = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}
    return {family.name + suffix for family in registry.collect() for suffix in suffixes[family.type]}


def _rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((DEPLOY / "prometheus/rules.yml").read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def _dashboard_expressions() -> list[str]:
    return [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", [])]


def _metrics_in(expressions: list[str]) -> set[str]:
    return {name for each in expressions for name in re.findall(r"logscry_\w+", each)}


def test_the_dashboard_shows_only_metrics_that_exist():
    """A renamed metric leaves no empty panel behind."""
    assert _metrics_in(_dashboard_expressions()) - _exposed_names() == set()


def test_the_dashboard_shows_every_metric():
    """What is counted can be seen."""
    shown = {re.sub("_(bucket|sum|count)$", "", name) for name in _metrics_in(_dashboard_expressions())}

    assert {re.sub("_(bucket|sum|count)$", "", name) for name in _exposed_names()} - shown == set()


def test_the_rules_watch_metrics_that_exist():
    """A renamed metric silences no rule."""
    assert _metrics_in([rule["expr"] for rule in _rules()]) - _exposed_names() == set()
    assert all(rule["annotations"]["summary"].endswith(".") for rule in _rules())


def test_the_panels_have_a_source_and_a_place_of_their_own():
    """Every panel asks the provisioned data source, and none covers another."""
    sources = yaml.safe_load((DEPLOY / "grafana/provisioning/datasources/prometheus.yaml").read_text(encoding="utf-8"))
    [source] = sources["datasources"]
    panels = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
    cells = [
        (x, y)
        for panel in panels
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]

    assert {panel["datasource"]["uid"] for panel in panels} == {source["uid"]}
    assert source["url"] == "http://prometheus:9090"
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24


def test_the_mounted_paths_exist_and_fit_together():
    """Provisioning, dashboards and Prometheus's files are where the containers look for them."""
    mounts = [mount for service in SERVICES.values() for mount in service.get("volumes", [])]
    local = [mount.split(":")[0] for mount in mounts if mount.startswith("./")]
    providers = yaml.safe_load((DEPLOY / "grafana/provisioning/dashboards/logscry.yaml").read_text(encoding="utf-8"))

    assert local
    assert [path for path in local if not (DEPLOY / path).exists()] == []
    assert f"./grafana/dashboards:{providers['providers'][0]['options']['path']}:ro" in mounts
    named = {mount.split(":")[0] for mount in mounts if mount[0].isalpha()}
    assert named == set(COMPOSE["volumes"])


def test_prometheus_asks_every_process_at_its_port():
    """Each of our services is a job, found by its name."""
    jobs = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text(encoding="utf-8"))["scrape_configs"]

    assert {job["job_name"] for job in jobs} == set(OURS)
    for job in jobs:
        [found] = job["dns_sd_configs"]
        assert found["names"] == [job["job_name"]]
        assert str(found["port"]) == SERVICES[job["job_name"]]["environment"]["LOGSCRY_METRICS__PORT"]


def test_every_image_has_a_version():
    """No tag that moves by itself: neither latest nor none."""
    images = [service["image"] for service in SERVICES.values()]
    images += [rest.split()[0] for word, rest in _instructions() if word == "FROM"]

    for image in images:
        assert VERSION.search(image.rpartition(":")[2]), image
        assert "latest" not in image


def test_nothing_is_published_beyond_this_machine():
    """Every published port is bound to the loopback address."""
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]

    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert not any("network_mode" in service or "privileged" in service for service in SERVICES.values())


def test_redis_keeps_state():
    """Append-only file on, and nothing is ever evicted."""
    command = " ".join(SERVICES["redis"]["command"])

    assert "--appendonly yes" in command
    assert "--maxmemory-policy noeviction" in command


@pytest.mark.parametrize("name", OURS)
def test_our_containers_hold_no_rights(name):
    """No capabilities, no new privileges, a file system that cannot be written."""
    service = SERVICES[name]

    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is True


def test_the_image_runs_as_a_user_who_is_not_root():
    """The last USER is a number other than 0, which Kubernetes can check."""
    users = [rest for word, rest in _last_stage() if word == "USER"]

    assert users
    assert int(users[-1].split(":")[0]) > 0


def test_the_image_is_built_from_plain_copies():
    """No ADD (it unpacks and downloads), no download by hand, no secrets as arguments."""
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")

    assert "ADD" not in [word for word, _ in _instructions()]
    assert not re.search(r"curl|wget|PASSWORD|TOKEN|SECRET", text)


def test_the_last_stage_has_no_compiler_and_installs_nothing():
    """It takes what the first stage built."""
    runs = " ".join(rest for word, rest in _last_stage() if word == "RUN")

    assert not re.search(r"apt|pip|gcc|build-essential", runs)
    assert ("COPY", "--from=build /opt/logscry /opt/logscry") in _last_stage()


def test_the_image_is_started_without_a_shell():
    """Signals reach the process itself: it can end its work."""
    for word in ("ENTRYPOINT", "CMD"):
        [rest] = [rest for each, rest in _last_stage() if each == word]
        assert isinstance(json.loads(rest), list)


@pytest.mark.parametrize(("problems", "status"), [([], 0), (["Redis is away."], 1)])
def test_the_health_check_follows_healthz(problems, status):
    """The image's own command, run against a real server: 0 when well, 1 when not."""
    [rest] = [rest for word, rest in _last_stage() if word == "HEALTHCHECK"]
    program, *arguments = json.loads(rest[rest.index("[") :])

    with OperatorServer(CollectorRegistry(), lambda: problems, "127.0.0.1", 0) as server:
        port = {variable_name("metrics.port"): str(server.port)}
        done = subprocess.run([sys.executable, *arguments], env=port, capture_output=True, check=False, timeout=60)

    assert program == "python"
    assert done.returncode == status


def test_what_is_copied_is_there_and_not_ignored():
    """Each source of a COPY stands in the repository and in the build's context."""
    allowed = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    copies = [rest.split() for word, rest in _instructions() if word == "COPY" and "--from" not in rest]
    sources = [source for words in copies for source in words[:-1]]

    assert [source for source in sources if not (ROOT / source).exists()] == []
    assert [source for source in sources if f"!{source}" not in allowed] == []


def test_every_part_of_the_code_is_packaged_checked_and_copied():
    """A module of the command line or a package that a list forgot would be missing in an image or in a wheel."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    parts = {path.name for path in ROOT.glob("*.py")} | {"stream", "model", "training", "deploy"}
    copied = {word for instruction, rest in _instructions() if instruction == "COPY" for word in rest.split()}

    assert len(parts) >= 6
    assert set(project["hatch"]["build"]["targets"]["wheel"]["only-include"]) == parts
    assert set(project["mypy"]["files"]) == parts | {"tests"}
    assert parts <= copied


def _variables() -> dict[str, str]:
    image = re.findall(rf"({PREFIX}\w+)=(\S+)", " ".join(rest for word, rest in _instructions() if word == "ENV"))
    compose = [pair for name in OURS for pair in SERVICES[name]["environment"].items()]
    return dict([*image, *compose])


def test_the_variables_are_settings(monkeypatch):
    """The image's and compose's variables are accepted with their values."""
    for dotted in leaves(Settings):
        monkeypatch.delenv(variable_name(dotted), raising=False)
    for name, value in _variables().items():
        monkeypatch.setenv(name, value)

    settings = load_settings()

    assert settings.kafka.bootstrap_servers == "kafka:19092"
    assert (settings.metrics.host, settings.metrics.port) == ("0.0.0.0", 9400)  # noqa: S104 -- inside a container


def test_the_topics_that_are_made_are_those_that_are_used():
    """Compose makes each topic of the settings, under its default name."""
    kafka = Settings().kafka
    made = re.findall(r"([\w-]+):\d+", SERVICES["topics"]["command"][-1].splitlines()[0])

    assert set(made) == {kafka.logs_topic, kafka.raw_topic, kafka.alerts_topic, kafka.dead_letters_topic}


@pytest.mark.parametrize("name", OURS)
def test_the_containers_run_commands_of_logscry(name):
    """Each service's command is one of the command line's, with options that it has."""
    command, *arguments = SERVICES[name]["command"]

    done = subprocess.run(
        [sys.executable, ROOT / "logscry.py", command, "--help"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == 0, done.stderr
    assert [each for each in arguments if each.startswith("--") and each not in done.stdout] == []
