"""The demonstration: a model is trained, the real processes run, faults are put into the stream, alerts come out."""

import shlex
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from rich.console import Console

from deploy.demo.exchange import Exchange, now_ms
from deploy.demo.learning import RULE, learn
from deploy.demo.options import DemoOptions
from deploy.demo.screen import Figures, JudgedAlert, StreamBar, alert_view, summary_view
from deploy.demo.service import TOPICS, Service, running_service
from deploy.demo.tally import Tally, Verdict
from deploy.demo.traffic import Traffic, plan_traffic
from stream.alerts import Alert

__all__ = ["run"]

#: How long the last windows may take to be scored after the last line.
_DRAIN_SECONDS = 20.0

#: The first line is due this long after the plan is made.
_HEAD_START_MS = 500


def run(options: DemoOptions, console: Console) -> int:
    """Run the demo.

    Everything that it starts ends with it, and its folder is removed.

    Args:
        options: How it runs.
        console: Where it is shown.

    Returns:
        The exit status: 0 if at least four of five faults were found with at most one false alarm, else 1.

    Raises:
        LogscryError: A server or process did not do what it should.
    """
    with tempfile.TemporaryDirectory(prefix="logscry-demo-") as name:
        _headline(console, "1. Train a model on a small shop's logs")
        artefact = learn(options, Path(name), console)
        console.print(f"  Alerts are published above a score of {artefact.threshold:.2f} nats.")
        _headline(console, "2. Start a broker, a Redis, two consumers and a model worker")
        with running_service(Path(name)) as service, Exchange(service.stack.kafka_address) as exchange:
            console.print(f"  Kafka on {service.stack.kafka_address}, Redis on {service.stack.redis.address}.")
            _headline(console, f"3. Stream lines for {options.seconds} s, five faults among them")
            tally = _stream(options, service, exchange, console)
            if options.keep:
                _headline(console, "4. Normal requests go on; Ctrl-C ends everything")
                console.print(_invitation(service), soft_wrap=True, markup=False, highlight=False)
                # Here Ctrl-C is the way to end; the status is that of the stream before.
                with suppress(KeyboardInterrupt):
                    _keep_running(options, service, exchange, console)
    return 0 if tally.succeeded else 1


@dataclass(slots=True)
class _Audience:
    """Judges each alert and shows it; where ``tally`` is None, nobody knows what is right.

    Every line of a faulty request is judged, and most repeat the alert of the line before: on a trace that was alerted
    already, only a new kind of alert is shown.
    """

    console: Console
    tally: Tally | None
    count: int = 0
    kinds: set[tuple[str, str]] = field(default_factory=set)

    def show(self, alert: Alert) -> None:
        """Count an alert and print it, unless it is one that was seen before."""
        judged = self._judged(alert)
        if judged.verdict is Verdict.SEEN_BEFORE:
            return
        self.count += 1
        if (alert.key, alert.kind) not in self.kinds:
            self.kinds.add((alert.key, alert.kind))
            self.console.print(alert_view(judged))

    def _judged(self, alert: Alert) -> JudgedAlert:
        number = self.count + 1
        if self.tally is None:
            return JudgedAlert(number, alert)
        arrived_ms = now_ms()
        verdict = self.tally.judge(alert.id, alert.key, arrived_ms)
        planned = self.tally.faults.get(alert.key)
        seconds = (arrived_ms - planned.line.time_ms) / 1000 if planned else None
        return JudgedAlert(number, alert, verdict, planned, seconds)


def _stream(options: DemoOptions, service: Service, exchange: Exchange, console: Console) -> Tally:
    traffic = plan_traffic(now_ms() + _HEAD_START_MS, options.seconds, options.lines_per_second, options.seed)
    tally = Tally(traffic.faults)
    audience = _Audience(console, tally)
    wanted = _expected_windows(traffic)
    with StreamBar(console, len(traffic.lines)) as bar:

        def tick() -> None:
            bar.move(exchange.sent)
            service.children.check()

        began = time.monotonic()
        exchange.stream(traffic.lines, audience.show, tick)
        seconds = time.monotonic() - began
        bar.move(exchange.sent)
        bar.say("ending the open sessions")
        service.children.run("flush")
        exchange.read_until(lambda: service.windows_scored() >= wanted, _DRAIN_SECONDS, audience.show)
    figures = Figures(
        lines=exchange.sent,
        alerts=audience.count,
        windows=service.windows_scored(),
        expected_windows=wanted,
        cached=service.windows_known(),
        seconds=seconds,
        session_gap_seconds=RULE.session_gap_ms / 1000,
    )
    console.print(summary_view(tally, figures))
    return tally


def _expected_windows(traffic: Traffic) -> int:
    """A session of N lines gives ``N // hop`` windows and a final one."""
    lengths: dict[str, int] = {}
    for line in traffic.lines:
        lengths[line.key] = lengths.get(line.key, 0) + 1
    return sum(length // RULE.hop + 1 for length in lengths.values())


def _keep_running(options: DemoOptions, service: Service, exchange: Exchange, console: Console) -> None:
    audience = _Audience(console, tally=None)
    for seed in count(options.seed + 1):
        traffic = plan_traffic(now_ms(), 60, options.lines_per_second, seed, with_faults=False)
        exchange.stream(traffic.lines, audience.show, service.children.check)


def _invitation(service: Service) -> str:
    send = shlex.join([sys.executable, "-m", "deploy.demo.send", service.stack.kafka_address])
    addresses = {
        "Kafka": f"{service.stack.kafka_address}, topics {', '.join(TOPICS)}",
        "Redis": service.stack.redis_url,
        **{child.name: f"http://127.0.0.1:{child.metrics_port}/metrics" for child in service.children.running},
    }
    rows = "\n".join(f"  {name:<10} {where}" for name, where in addresses.items())
    return (
        f"{rows}\n  Send your own lines, each with a trace id of 16 hexadecimal digits in brackets:\n"
        f'    echo "INFO payment [00000000c0ffee00] the vault is open" | {send}'
    )


def _headline(console: Console, text: str) -> None:
    console.rule(f"[bold]{text}", align="left")
