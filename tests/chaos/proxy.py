"""Stands between logscry and Redis, and does what networks do: answers get lost, requests arrive late.

It also stands for what stands before a managed Redis: while the server is replaced by an older copy of itself it can
hold its clients' connections, so that none of them learns of it but from what the server then says.
"""

import asyncio
import re
import threading
from asyncio import StreamReader, StreamWriter
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self

from deploy.embedded.ports import HOST

__all__ = ["RedisProxy"]

_APPLY = re.compile(rb"\{([^}]+)\}:novel-counts\r\n")
"""A key that only the call which applies a batch is given, with the partition in it."""

_FIRST_BYTES = 4096
_GREETINGS = {b"HELLO", b"AUTH", b"CLIENT", b"SELECT"}
"""What a client says to a new connection before it asks for anything."""

_ORDER_SECONDS = 30.0


class _Link:
    """A client's connection to the server, made anew where the server has been replaced."""

    def __init__(self, port: int) -> None:
        self.generation = -1
        self._port = port
        self._greetings: list[bytes] = []
        self._reader: StreamReader | None = None
        self._writer: StreamWriter | None = None

    async def ask(self, request: bytes, generation: int) -> bytes:
        """Give the server's answer."""
        if self.generation != generation:
            await self._connect(generation)
        if request.split(b"\r\n", 3)[2].upper() in _GREETINGS:
            self._greetings.append(request)
        return await self._ask(request)

    async def _connect(self, generation: int) -> None:
        self.close()
        self._reader, self._writer = await asyncio.open_connection(HOST, self._port)
        for greeting in self._greetings:
            await self._ask(greeting)
        self.generation = generation

    async def _ask(self, request: bytes) -> bytes:
        if self._reader is None or self._writer is None:
            raise ConnectionError
        self._writer.write(request)
        await self._writer.drain()
        return await _read_value(self._reader)

    def close(self) -> None:
        """End the connection."""
        if self._writer is not None:
            self._writer.close()


class RedisProxy:
    """A proxy on a port of its own, in a thread of its own, for as long as a ``with`` block lasts.

    Args:
        port: The server's port on 127.0.0.1.

    Attributes:
        port: Its own.
    """

    def __init__(self, port: int) -> None:
        self.port = 0
        self._server_port = port
        self._generation = 0
        self._busy = 0
        self._answers_to_lose = 0
        self._requests_to_delay = 0
        self._late: dict[bytes, tuple[bytes, _Link]] = {}
        self._clients: set[StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._open, self._idle = asyncio.Event(), asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_forever, name="redis-proxy", daemon=True)

    def lose_answers(self, count: int) -> None:
        """Have the next batches applied, and their consumers not told: the connection ends instead of the answer."""
        self._order(self._set(answers_to_lose=count))

    def delay_requests(self, count: int) -> None:
        """Take the next batches from their consumers, end the connection, and let the server have them later.

        That is just before the next batch of the same partition, which its consumer has read again by then.
        """
        self._order(self._set(requests_to_delay=count))

    def cut_all(self) -> None:
        """End every connection at once, whatever is under way."""
        self._order(self._cut_all())

    def hold(self) -> None:
        """Keep requests waiting; returns once no answer is outstanding."""
        self._order(self._hold())

    def release(self) -> None:
        """Let them go on, to the server that is there now."""
        self._order(self._release())

    def __enter__(self) -> Self:
        self._thread.start()
        self._order(self._start())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._order(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _order(self, what: "Coroutine[Any, Any, None]") -> None:
        asyncio.run_coroutine_threadsafe(what, self._loop).result(_ORDER_SECONDS)

    async def _set(self, *, answers_to_lose: int = 0, requests_to_delay: int = 0) -> None:
        self._answers_to_lose += answers_to_lose
        self._requests_to_delay += requests_to_delay

    async def _cut_all(self) -> None:
        for client in self._clients:
            client.close()

    async def _hold(self) -> None:
        self._open.clear()
        await self._idle.wait()

    async def _release(self) -> None:
        self._generation += 1
        self._open.set()

    async def _start(self) -> None:
        self._open.set()
        self._idle.set()
        self._server = await asyncio.start_server(self._serve, HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        self._server.close()
        for _, link in self._late.values():
            link.close()
        await self._cut_all()
        serving = asyncio.all_tasks() - {asyncio.current_task()}
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
        await asyncio.sleep(0)  # what was closed has to be told so by the loop

    async def _serve(self, reader: StreamReader, client: StreamWriter) -> None:
        self._clients.add(client)
        link = _Link(self._server_port)
        try:
            while True:
                answer = await self._answer(await _read_value(reader), link)
                if answer is None:
                    break
                client.write(answer)
                await client.drain()
        except (OSError, EOFError):
            pass  # the client or the server is gone; the other one is told by the end of its connection
        finally:
            self._clients.discard(client)
            client.close()
            if all(link is not other for _, other in self._late.values()):
                link.close()

    async def _answer(self, request: bytes, link: _Link) -> bytes | None:
        """The server's answer; None where the client is to get none."""
        await self._open.wait()
        self._busy += 1
        self._idle.clear()
        try:
            found = _APPLY.search(request, 0, _FIRST_BYTES)
            if found is None:
                return await link.ask(request, self._generation)
            return await self._answer_batch(found[1], request, link)
        finally:
            self._busy -= 1
            if not self._busy:
                self._idle.set()

    async def _answer_batch(self, partition: bytes, request: bytes, link: _Link) -> bytes | None:
        if self._requests_to_delay and partition not in self._late:
            self._requests_to_delay -= 1
            self._late[partition] = request, link
            return None
        await self._deliver(partition)
        lose = self._answers_to_lose > 0
        self._answers_to_lose -= lose
        answer = await link.ask(request, self._generation)
        return None if lose else answer

    async def _deliver(self, partition: bytes) -> None:
        if partition in self._late:
            request, link = self._late.pop(partition)
            try:
                # Never over a new connection: what was on its way to a server that died is gone.
                await link.ask(request, link.generation)
            except (OSError, EOFError):
                pass
            finally:
                link.close()


async def _read_value(reader: StreamReader) -> bytes:
    """Read one whole value of the Redis protocol (RESP 2 or 3): a request, or an answer.

    Raises:
        EOFError: The connection has ended.
    """
    line = await reader.readuntil(b"\r\n")
    kind, length = line[:1], line[1:-2]
    if kind in b"$=!":
        return line if int(length) < 0 else line + await reader.readexactly(int(length) + 2)
    if kind in b"*~>%":
        count = max(0, int(length)) * (2 if kind == b"%" else 1)
        return line + b"".join([await _read_value(reader) for _ in range(count)])
    return line
