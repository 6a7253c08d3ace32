"""Record batches that cannot be read: damaged on a disk, or written wrongly by a producer.

kafka-python raises an error in the middle of a fetch, and then polls for ever without giving another record of any
partition. Here a record that says what is wrong takes the place of what cannot be read, so that it becomes a dead
letter as any other bad record does, and the records behind it are read. Batches are unpacked within a bound as well.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.consumer.fetcher import ConsumerRecord, Fetcher
from kafka.errors import CorruptRecordError
from kafka.record.util import decode_varint

from model.errors import RecordError
from stream.consumers.unpacking import unpacked

__all__ = ["UnreadableRecord", "tolerate_unreadable"]

MAX_FETCH_BYTES = 64 << 20
"""Where a fetch from one partition has given so many bytes of unpacked batches, the rest of it is fetched anew."""

MAX_DETAIL = 400
"""Characters of a dead letter's detail."""


@dataclass(frozen=True, slots=True)
class UnreadableRecord:
    """Stands for the rest of a batch that cannot be read, beside kafka-python's ``ConsumerRecord``s.

    Attributes:
        topic: Where it is.
        partition: Its partition.
        offset: The last offset that it stands for.
        error: What is wrong; its detail names all offsets.
        timestamp: Unknown.
        key: Unknown.
        value: Unknown.
        headers: Unknown.
        leader_epoch: Unknown.
    """

    topic: str
    partition: int
    offset: int
    error: RecordError
    timestamp: int = -1
    key: None = None
    value: None = None
    headers: tuple[()] = field(default=())
    leader_epoch: int = -1


def tolerate_unreadable(consumer: "KafkaConsumer") -> "KafkaConsumer":
    """Make a consumer give an `UnreadableRecord` where it would fail for ever."""
    # kafka-python has no public place for it; tests/integration/test_unreadable.py fails if this one moves.
    consumer._fetcher.PartitionRecords = partial(_Records, doubted=set())  # noqa: SLF001
    return consumer


class _Batches:
    """The batches of a fetch, as kafka-python's ``MemoryRecords`` gives them, checked and unpacked.

    Attributes:
        last: The batch that was given last.
        intact: Whether it is as its producer wrote it, so that its header tells the truth.
    """

    def __init__(self, records: Any) -> None:  # noqa: ANN401 -- kafka-python ships no types
        self._records = records
        self.last: Any = None
        self.intact = False
        self._given = 0

    def next_batch(self) -> Any:  # noqa: ANN401
        """The next batch, None behind the last or where it is enough for one poll.

        Raises:
            Exception: It is damaged, was compressed wrongly, or holds too much.
        """
        self.last, self.intact = None, False
        batch = self.last = self._records.next_batch() if self._given < MAX_FETCH_BYTES else None
        if batch is None:
            return None
        if not batch.validate_crc():
            raise CorruptRecordError("the checksum is wrong")
        if batch.magic >= 2:  # noqa: PLR2004 -- formats before 2 have no header: kafka-python unpacks them
            self.intact = True
            self._given += _unpack(batch)
        return batch

    def end_of_last(self) -> int:
        """One past the offsets of the last batch; 0 where that cannot be known: then offset after offset is tried."""
        if self.intact:
            return int(self.last.next_offset)
        try:
            following = self._records.next_batch()
        except CorruptRecordError:
            return 0
        return following.base_offset if following is not None else 0


class _Records(Fetcher.PartitionRecords):  # type: ignore[misc] # kafka-python ships no types
    """The records of one fetch from one partition.

    Args:
        doubted: Where a batch was damaged once: (partition, offset). It may have been on the way from the broker.
    """

    def __init__(self, *args: Any, doubted: set[tuple[TopicPartition, int]], **kwargs: Any) -> None:  # noqa: ANN401
        self._doubted = doubted
        self.next_fetch_offset: int
        super().__init__(*args, **{**kwargs, "check_crcs": False})  # they are checked as batches are unpacked

    def _unpack_records(self, tp: TopicPartition, records: Any, *deserializers: Any) -> Iterator[Any]:  # noqa: ANN401
        batches = _Batches(records)
        try:
            yield from super()._unpack_records(tp, batches, *deserializers)
        except Exception as exc:  # noqa: BLE001 -- each codec has errors of its own
            yield from self._rest_of_batch(tp, batches, exc)
            # What comes behind the batch is fetched anew: the broker says which transactions to leave out of that.
            self.drain()

    def _rest_of_batch(self, tp: TopicPartition, batches: _Batches, exc: Exception) -> Iterator[Any]:
        self.next_fetch_offset = max(self.next_fetch_offset, self.fetch_offset)
        if batches.intact:
            try:
                for record in _records_without_headers(batches.last, tp):
                    self.next_fetch_offset = max(self.next_fetch_offset, record.offset + 1)
                    yield record
            except (ValueError, IndexError):
                pass  # it is not only the headers: the rest is damaged, and told of below
            else:
                self.next_fetch_offset = batches.last.next_offset  # compaction may have taken the last records away
                return
        first = self.next_fetch_offset
        if not batches.intact and (tp, first) not in self._doubted:
            self._doubted.add((tp, first))
            return
        self._doubted.discard((tp, first))
        self.next_fetch_offset = max(first + 1, batches.end_of_last())
        yield _unreadable(tp, first, self.next_fetch_offset, exc)


def _unpack(batch: Any) -> int:  # noqa: ANN401
    """Decompress a batch's records in place, as kafka-python would, but within a bound; how many bytes they have."""
    if batch.compression_type:
        batch._buffer = bytearray(unpacked(batch.compression_type, bytes(batch._buffer[batch._pos :])))  # noqa: SLF001
        batch._pos = 0  # noqa: SLF001
    batch._decompressed = True  # noqa: SLF001
    return len(batch._buffer)  # noqa: SLF001


def _records_without_headers(batch: Any, tp: TopicPartition) -> Iterator[Any]:  # noqa: ANN401
    """The records of a batch from the one on that could not be read, their headers passed over: we need none.

    A header's name that is no UTF-8 is an error to kafka-python, though brokers and other clients take it.
    Layout: https://kafka.apache.org/documentation/#record

    Raises:
        ValueError, IndexError: It is not only the headers.
    """
    if not batch._decompressed:  # noqa: SLF001
        raise ValueError("it could not be decompressed")
    buffer, at = batch._buffer, batch._pos  # noqa: SLF001
    for _ in range(batch._next_record_index, batch.records_count):  # noqa: SLF001
        length, start = decode_varint(buffer, at)
        end = start + length
        _, at = decode_varint(buffer, start)  # attributes: none are in use
        delta_ms, at = decode_varint(buffer, at)
        offset_delta, at = decode_varint(buffer, at)
        key, at = _bytes_at(buffer, at)
        value, at = _bytes_at(buffer, at)
        if not at <= end <= len(buffer):
            raise ValueError(f"a record of {length} bytes ends at {end}, its value at {at}, all at {len(buffer)}")
        at = end
        timestamp = batch.max_timestamp if batch.timestamp_type else batch.first_timestamp + delta_ms
        place = (tp.topic, tp.partition, batch.leader_epoch, batch.base_offset + offset_delta)
        yield ConsumerRecord(*place, timestamp, batch.timestamp_type, key, value, [], None, -1, -1, -1)


def _bytes_at(buffer: bytearray, at: int) -> tuple[bytes | None, int]:
    length, at = decode_varint(buffer, at)
    return (None, at) if length < 0 else (bytes(buffer[at : at + length]), at + length)


def _unreadable(tp: TopicPartition, first: int, end: int, exc: Exception) -> UnreadableRecord:
    which = f"offset {first}" if end == first + 1 else f"offsets {first} to {end - 1}"
    detail = f"what Kafka holds at {which} cannot be unpacked, and its records are lost: {exc!r}"
    return UnreadableRecord(tp.topic, tp.partition, end - 1, RecordError("unreadable", detail[:MAX_DETAIL]))
