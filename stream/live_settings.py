"""Settings that operators change while the service runs: in Redis, versioned, with who, when and why.

Consumers and workers follow them within a second. A change is atomic; it is refused whole when one value is wrong.
Each change but the first can be undone.
"""

import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any

from model.errors import ConfigurationError, StateError
from stream.live_values import SETTING_TYPES, LiveSettings, parsed_value
from stream.redis_client import translated
from stream.text import safe_text

if TYPE_CHECKING:
    from redis import Redis

__all__ = ["Change", "LiveSettings", "LiveSettingsFollower", "LiveSettingsStore"]

FOLLOW_SECONDS = 0.5
"""How old the values may be that a follower returns."""

_KEPT_CHANGES = 1000
_TEXT_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the history.

    Attributes:
        version: The version that the change made.
        time_ms: When, in milliseconds since 1970, by Redis's clock.
        who: Who made it.
        why: The reason given.
        changes: For each changed setting its value before (None: there was none) and after.
    """

    version: int
    time_ms: int
    who: str
    why: str
    changes: Mapping[str, tuple[int | float | None, int | float]]


class LiveSettingsStore:
    """The live settings of one namespace.

    Args:
        redis: A client that returns bytes.
        namespace: Whose settings they are: the first part of the keys.
    """

    def __init__(self, redis: "Redis", namespace: str) -> None:
        self._redis = redis
        # One hash tag, so that both keys live in one slot of a Redis Cluster.
        self._current, self._history = (f"{namespace}:{{settings}}:{name}" for name in ("current", "history"))
        script = resources.files(__package__).joinpath("lua", "change_settings.lua").read_text(encoding="utf-8")
        self._change = redis.register_script(script)

    def get(self) -> LiveSettings | None:
        """Read the settings; None where there are none yet.

        Raises:
            TransientError: Redis does not answer.
            StateError: What is stored is no settings.
        """
        with translated():
            stored: dict[Any, Any] = self._redis.hgetall(self._current)
        if not stored:
            return None
        try:
            named = {name: parsed_value(name, stored[name.encode()].decode()) for name in SETTING_TYPES}
            return LiveSettings(**named, version=int(stored[b"version"]), chosen_us=int(stored.get(b"chosen_us", 0)))
        except (ConfigurationError, KeyError, ValueError) as error:
            raise StateError(
                f"the live settings in Redis ({self._current}) cannot be read: {error!r}. "
                "Another program or version wrote them; delete that key, and running processes store what they know."
            ) from error

    def seed(self, defaults: LiveSettings, why: str = "first start: the values of the model") -> LiveSettings:
        """Store settings where there are none, and return those that hold now."""
        found = self.get()
        if found is not None:
            return found
        self._write(None, defaults, "logscry", why, chosen_us=0)
        return self._required()

    def remove(self) -> None:
        """Delete the settings and their history; a process that runs stores them again."""
        with translated():
            self._redis.unlink(self._current, self._history)

    def restore(self, found: LiveSettings | None, known: LiveSettings) -> bool:
        """Write what Redis has forgotten, in place of what was found there, if that is still what it has."""
        return self._write(found, known, "logscry", "Redis had forgotten them: as last seen", chosen_us=known.chosen_us)

    def set(self, changes: Mapping[str, object], who: str, why: str = "") -> LiveSettings:
        """Change some settings, all or none.

        Args:
            changes: New values by name; numbers may be given as text.
            who: Who changes them.
            why: The reason, for whoever reads the history.

        Returns:
            The settings that hold now; at the same version where nothing differs.

        Raises:
            ConfigurationError: A name or value is not allowed, nobody is named, or there are no settings yet.
            TransientError: Redis does not answer.
        """
        return self._update(lambda current: current.with_changes(changes), who, why)

    def undo(self, version: int, who: str, why: str = "") -> LiveSettings:
        """Give the settings that one change touched the values they had before it, as a new version.

        Raises:
            ConfigurationError: There is no such change, it was the first, or a later one touched the same settings.
        """
        change = next((each for each in self.history(_KEPT_CHANGES * 2) if each.version == version), None)
        if change is None:
            raise ConfigurationError(f"the history holds no version {version}; logscry settings history lists them.")
        before = {name: old for name, (old, _) in change.changes.items() if old is not None}
        if not before:
            raise ConfigurationError(f"version {version} set the first values; there is nothing before it.")
        return self._update(lambda current: self._undone(current, change).with_changes(before), who, why)

    def history(self, limit: int = 20) -> list[Change]:
        """Return the newest changes, newest first."""
        with translated():
            entries: Any = self._redis.xrevrange(self._history, count=limit)
        return [_change(identity, entry) for identity, entry in entries]

    def _undone(self, current: LiveSettings, change: Change) -> LiveSettings:
        """Refuse where a later change touched the same settings, also where one has brought the value back since."""
        for later in reversed(self.history(_KEPT_CHANGES * 2)):
            touched = [name for name in later.changes if name in change.changes]
            if later.version > change.version and touched:
                name, (_, made) = touched[0], change.changes[touched[0]]
                raise ConfigurationError(
                    f"version {change.version} made {name} {made}, but it is {getattr(current, name)} now: "
                    f"a later change touched it, version {later.version}. Undo that one, or set the value."
                )
        return current

    def _update(self, make: Callable[[LiveSettings], LiveSettings], who: str, why: str) -> LiveSettings:
        if not who.strip():
            raise ConfigurationError("a change of the live settings needs a name: who makes it.")
        while True:  # once more only when somebody else's change came between reading and writing
            current = self._required()
            wanted = make(current)
            if wanted == current or self._write(current, wanted, who, why):
                return self._required()

    def _write(
        self, current: LiveSettings | None, wanted: LiveSettings, who: str, why: str, chosen_us: int | None = None
    ) -> bool:
        before = current.values() if current else {}
        changes = {name: new for name, new in wanted.values().items() if before.get(name) != new}
        described = json.dumps({name: [before.get(name), new] for name, new in changes.items()})
        names = [safe_text(text, _TEXT_CHARACTERS) for text in (who, why)]
        flat = [text for name, new in changes.items() for text in (name, repr(new))]
        chosen = "" if chosen_us is None else chosen_us
        held = current.version if current else 0
        arguments: list[Any] = [held, *names, _KEPT_CHANGES, described, wanted.version, chosen, *flat]
        with translated():
            done, _ = self._change(keys=[self._current, self._history], args=arguments)
        return bool(done)

    def _required(self) -> LiveSettings:
        current = self.get()
        if current is None:
            raise ConfigurationError(
                "there are no live settings yet: the first consumer or worker stores those of its model."
            )
        return current


class LiveSettingsFollower:
    """The live settings, never older than half a second; cheap to ask.

    It never goes back to older ones. Should Redis lose them, or come back with older ones, or should a process that
    knew none have stored its model's meanwhile, they are stored again as last seen, unless somebody has changed them
    since. Of all followers the one that saw the newest prevails.

    Args:
        store: Where they are.
        defaults: What to store where there are none: the model's own.
        clock: Seconds that never go back.
    """

    def __init__(
        self, store: LiveSettingsStore, defaults: LiveSettings, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._clock = clock
        self._seen = defaults
        self._read_at = -math.inf

    def current(self) -> LiveSettings:
        """Return the settings.

        Raises:
            TransientError: Redis does not answer; the next call asks again.
        """
        now = self._clock()
        if now - self._read_at >= FOLLOW_SECONDS:
            self._seen = self._stored()
            self._read_at = now
        return self._seen

    @property
    def last_seen(self) -> LiveSettings | None:
        """What it last saw in Redis, however long ago; None before it saw any."""
        return self._seen if self._seen.version else None

    def learn(self, known: LiveSettings | None) -> None:
        """Take up what another process saw in Redis, for this one may have started when it was forgotten; ask again."""
        if known is not None and known.outlives(self._seen):
            self._seen = known
        self._read_at = -math.inf

    def _stored(self) -> LiveSettings:
        """What Redis holds, or is made to hold again."""
        while True:  # once more only when another process wrote between reading and writing
            found = self._store.get()
            if found is None and not self._seen.version:
                return self._store.seed(self._seen)
            if found is not None and not self._seen.outlives(found):
                return found
            self._store.restore(found, self._seen)


def _change(identity: bytes, entry: Mapping[bytes, bytes]) -> Change:
    changes = {name: (old, new) for name, (old, new) in json.loads(entry[b"changes"]).items()}
    version = int(identity.partition(b"-")[0])
    return Change(version, int(entry[b"time_ms"]), entry[b"who"].decode(), entry[b"why"].decode(), changes)
