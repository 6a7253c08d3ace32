"""Exactly once: members of the rekey stage die, stall and wake up in their transactions, and the broker dies."""

import json
import re
import signal
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from kafka import KafkaAdminClient
from kafka.admin import GroupState, TransactionDescription, TransactionState
from kafka.errors import CoordinatorLoadInProgressError

from deploy.embedded.broker import ApacheKafka, Broker, EmbeddedBroker
from deploy.embedded.children import Child
from stream.consumers.rekey import rekey_group
from tests.chaos.topics import Production
from tests.chaos.traffic import Sent
from tests.service import Place, Service, read_all, running_service, wait

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]  # some minutes on a busy machine; no outcome depends on it

RAW_PARTITIONS = 4
RECORDS = 24_000
RECORDS_A_SECOND = 1_500.0
KEY_PATTERN = r"user=(k\d+)"
ATTEMPTS = 3
"""How often a member is stalled until it has slept past its session but not past its transaction (15 s)."""

OFFSETS_TOPIC = "__consumer_offsets"

Sequences = dict[tuple[int, bytes], list[bytes]]


def raw_records() -> list[Sent]:
    """Each names its raw partition, its number and its key; every fiftieth has no key."""
    places = ((number, number % RAW_PARTITIONS, number // RAW_PARTITIONS) for number in range(RECORDS))
    return [
        Sent(partition, None, f"p{partition} n{number} {f'user=k{turn % 30}' if turn % 50 else 'nobody'}".encode(), 1)
        for number, partition, turn in places
    ]


@dataclass
class Group:
    """The stage's processes, seen from Kafka.

    Attributes:
        service: Where they run.
        admin: Asks Kafka.
        names: The transactional id of each process, by the process's name.
    """

    service: Service
    admin: KafkaAdminClient
    names: dict[str, str] = field(default_factory=dict)

    @property
    def group_id(self) -> str:
        """Also what transactional ids begin with."""
        return rekey_group(self.service.namespace)

    def start(self) -> Child:
        """Start a member and wait until it has written something."""
        child = self.service.children.start("rekey", "--key-pattern", KEY_PATTERN)
        wait(self._new_names, self.service.children.check)
        [self.names[child.name]] = self._new_names()
        return child

    def kill(self, child: Child) -> None:
        """SIGKILL a member that has written records of which it has committed nothing."""
        self.stop_within_transaction(child, with_offsets=False)
        self.service.kill(child)

    def stall(self, child: Child, *, with_offsets: bool) -> None:
        """SIGSTOP a member in a transaction until the others have its partitions, and let it go on from there.

        Args:
            child: The member.
            with_offsets: Whether Kafka has its offsets already, so that only the commit itself is left; or its records
                only, so that the others begin where it began.
        """
        woken = (self._wakes_within_transaction(child, with_offsets=with_offsets) for _ in range(ATTEMPTS))
        assert any(woken), f"{child.name} never woke with its transaction open"

    def stop_within_transaction(self, child: Child, *, with_offsets: bool) -> None:
        """SIGSTOP a member at a moment at which Kafka has records of its, and its offsets or not."""

        def stopped() -> bool:
            child.process.send_signal(signal.SIGSTOP)
            if self._is_open(child, with_offsets=with_offsets):
                return True
            child.process.send_signal(signal.SIGCONT)
            return False

        wait(stopped, self.service.children.check)

    def _wakes_within_transaction(self, child: Child, *, with_offsets: bool) -> bool:
        members = self._members()
        self.stop_within_transaction(child, with_offsets=with_offsets)
        committed = self._committed()
        try:
            wait(lambda: self._members() == members - 1, self.service.children.check)
            if not with_offsets:  # else the others wait for the end of its transaction
                wait(lambda: all(self._committed()[each] > committed[each] for each in committed))
            return self._is_open(child, with_offsets=with_offsets)
        finally:
            child.process.send_signal(signal.SIGCONT)
            wait(lambda: self._members() == members, self.service.children.check)

    def _is_open(self, child: Child, *, with_offsets: bool) -> bool:
        name = self.names[child.name]
        found: TransactionDescription = self.admin.describe_transactions([name])[name]
        topics = {partition.topic for partition in found.topic_partitions}
        holds_records = found.state == TransactionState.ONGOING and self.service.logs_topic in topics
        return holds_records and (OFFSETS_TOPIC in topics) == with_offsets

    def _new_names(self) -> set[str]:
        """Transactional ids of members whose ids are not known yet."""
        try:
            listings = self.admin.list_transactions().values()
        except CoordinatorLoadInProgressError:  # the first transaction of all has Kafka make a topic for them
            return set()
        listed = {each.transactional_id for listing in listings for each in listing}
        return {each for each in listed if each.startswith(self.group_id)} - set(self.names.values())

    def _members(self) -> int:
        """How many there are; 0 while they part the partitions anew."""
        group = self.admin.describe_groups([self.group_id])[self.group_id]
        return len(group["members"]) if group["group_state"] == GroupState.STABLE else 0

    def _committed(self) -> dict[Any, int]:
        offsets = self.admin.list_group_offsets(self.group_id)[self.group_id]
        return {partition: each.offset for partition, each in offsets.items()}


@contextmanager
def running_group(place: Place, namespace: str, raw: str, logs: str) -> Iterator[Group]:
    """A stage from one topic to another without members yet."""
    settings = {"LOGSCRY_KAFKA__RAW_TOPIC": raw, "LOGSCRY_CONSUMER__POLL_RECORDS": "200"}
    admin = KafkaAdminClient(bootstrap_servers=place.kafka)
    try:
        with running_service(place, namespace, logs, settings) as service:
            yield Group(service, admin)
    finally:
        admin.close()


def sequences(values: Sequence[tuple[bytes, bytes]]) -> Sequences:
    """The values of each raw partition and key, in their order, from pairs of key and value."""
    found: Sequences = defaultdict(list)
    for key, value in values:
        found[int(value[1 : value.index(b" ")]), key].append(value)
    return dict(found)


def keyed(values: Sequence[bytes]) -> list[tuple[bytes, bytes]]:
    """The values that have a key, each with it."""
    found = ((re.search(KEY_PATTERN.encode(), value), value) for value in values)
    return [(match[1], value) for match, value in found if match]


def differences(expected: Sequences, found: Sequences) -> list[str]:
    """What was lost, doubled or is out of order, in words."""
    said = []
    for place in expected.keys() | found.keys():
        right, seen = expected.get(place, []), found.get(place, [])
        if right != seen:
            said.append(f"{place}: {len(right)} expected, {len(seen)} found, {len(set(seen))} of them different")
    return said


def test_whatever_becomes_of_its_members_each_record_is_rekeyed_once_and_in_order(
    broker: Broker, place: Place, namespace: str, topic: Callable[..., str]
):
    """One is killed; two sleep past their sessions and wake in transactions that are still open; the broker dies."""
    if isinstance(broker, EmbeddedBroker):
        pytest.skip("the embedded broker shows the records of aborted transactions")
    raw, logs = topic("raw", partitions=RAW_PARTITIONS), topic("logs", partitions=3)
    records = raw_records()
    with (
        running_group(place, namespace, raw, logs) as group,
        Production(place.kafka, raw, records, RECORDS_A_SECOND) as production,
    ):
        faults = faults_of(group, broker)
        for number, fault in enumerate(faults, start=1):
            production.allow(number * RECORDS // (len(faults) + 1))
            fault()
        production.allow(RECORDS)
        wait(lambda: production.done, group.service.children.check)
        wait(lambda: rekeyed(group.service) >= RECORDS, group.service.children.check)
        letters = [json.loads(each.value) for each in group.service.dead_letters()]

    written = read_all(place.kafka, raw)
    expected = sequences(keyed([each.value for each in written]))
    assert differences(expected, sequences([(each.key, each.value) for each in read_all(place.kafka, logs)])) == []
    without_key = [(each.partition, each.offset) for each in written if each.value.endswith(b"nobody")]
    # Letters of different raw partitions may change places.
    assert sorted(((each["partition"], each["offset"]) for each in letters), key=lambda at: at[0]) == without_key


def faults_of(group: Group, broker: Broker) -> list[Callable[[], object]]:
    """What is done to the stage, in this order."""
    first, second = group.start(), group.start()
    return [
        partial(group.stall, first, with_offsets=False),
        partial(group.stall, second, with_offsets=True),
        partial(group.kill, first),
        group.start,
        partial(kill, broker),
    ]


def kill(broker: Broker) -> None:
    """SIGKILL, and start it again on what it has on disk."""
    if isinstance(broker, ApacheKafka):  # one that somebody else runs is left alone
        broker.kill()
        broker.restart()


def rekeyed(service: Service) -> int:
    """How many records have been passed on or given up."""
    return len(read_all(service.place.kafka, service.logs_topic)) + len(service.dead_letters())
