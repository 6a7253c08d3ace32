"""Fetches that name their topic by its id: Kafka refuses them when the topic has been deleted and made anew.

kafka-python 3.0.12 knows these fetches (version 13 and later, Kafka 3.1) and asks for none newer than version 12, which
names topics by their names.
"""

import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

from kafka import KafkaConsumer

__all__ = ["fetch_by_id"]

VERSION = 13
"""The first fetch that names topics by their ids. A broker that does not know it is asked by name."""


def fetch_by_id(consumer: "KafkaConsumer", topic: str, topic_id: uuid.UUID) -> None:
    """Make a consumer fetch its only topic by its id from now on."""
    # kafka-python has no public place for it; tests/integration/test_identity.py fails if these ones move.
    fetcher = consumer._fetcher  # noqa: SLF001
    fetcher._create_fetch_requests = partial(_requests, fetcher._create_fetch_requests, topic_id)  # noqa: SLF001
    fetcher._handle_fetch_response = partial(_handle, fetcher._handle_fetch_response, topic)  # noqa: SLF001


def _requests(create: Callable[[], dict[Any, Any]], topic_id: uuid.UUID) -> dict[Any, Any]:
    made = create()
    for request, _ in made.values():
        request._max_version = VERSION  # noqa: SLF001
        for each in (*request.topics, *request.forgotten_topics_data):
            each.topic_id = topic_id
    return made


def _handle(handle: Callable[..., None], topic: str, *answered: Any) -> None:  # noqa: ANN401 -- kafka-python ships no types
    """Give the topics of an answer their name again; kafka-python goes on from there."""
    response = answered[-1]
    if response.API_VERSION >= VERSION:
        for each in response.responses:
            each.topic = topic
    handle(*answered)
