"""A folder of logs, two commands, an alert: ``logscry learn`` and ``logscry up --model``."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.service import Line, Place, produce, read_all, running_service, wait
from tests.unit.training.inspection.made_logs import STEPS, Row, json_lines, request_lines, requests, written

pytestmark = [pytest.mark.stack, pytest.mark.one_broker]

#: Passes over the distinct windows, of which there are few. No bound in seconds: what is learnt must not depend on how
#: busy the machine is.
EPOCHS = "1000"

#: The request that has nothing in it but an error which nobody has seen before.
ODD = "00000000c0ffee00"


def log4j_lines(rows: list[Row]) -> list[str]:
    """The rows with their key as a word of the header, which the rekey stage has to be told."""
    return [f"{line[:10]} {line[11:23]} INFO [{key}] shop.Cart: {STEPS[step]}" for line, (_, key, step) in _both(rows)]


def _both(rows: list[Row]) -> list[tuple[str, Row]]:
    return list(zip(request_lines(rows), rows, strict=True))


@pytest.mark.parametrize("made", [request_lines, log4j_lines, json_lines], ids=["expression", "header", "field"])
def test_a_learnt_model_serves_with_no_more_options(
    place: Place, namespace: str, topic: Callable[..., str], tmp_path: Path, made: Callable[[list[Row]], list[str]]
):
    """Lines without keys go in; the alerts are those of the odd request, and no normal one is among them."""
    logs, model = written(tmp_path, made(requests(300))), tmp_path / "model"
    normal = made(requests(40, seed=2))
    odd = [line.replace(STEPS[0], "the cellar is under water") for line in made([(2_000, ODD, 0)])]
    raw, keyed = topic("raw"), topic("keyed", partitions=2)
    settings = {"LOGSCRY_KAFKA__RAW_TOPIC": raw}

    with running_service(replace(place, model=model), namespace, keyed, settings) as service:
        service.children.run("learn", logs, "--output", str(model), "--epochs", EPOCHS)
        service.start("up", "--model", str(model))
        produce(place.kafka, raw, [Line(None, line.encode()) for line in sorted([*normal, *odd])])
        # Records are counted, since the markers of transactions take offsets too.
        wait(lambda: len(read_all(place.kafka, keyed)) == len(normal) + 1, service.children.check)
        service.flush()
        service.await_scored()
        alerts = service.alerts()

    assert {alert.key for alert, _ in alerts} == {ODD}
    assert "under water" in alerts[0][0].summary
    assert service.dead_letters() == []
