"""Connections whose TLS handshake comes to an end.

kafka-python 3.0.12 bounds how long a port may take to accept a connection and to answer its first request, but not how
long it may take to answer a handshake: over a port that speaks no TLS, its clients wait for ever.
"""

import ssl
from typing import Any

from kafka.errors import KafkaConnectionError, KafkaTimeoutError
from kafka.net.compat import KafkaNetClient
from kafka.net.inet import create_connection
from kafka.net.manager import KafkaConnectionManager
from kafka.net.selector import NetworkSelector
from kafka.net.transport import KafkaSSLTransport

__all__ = ["Connections"]


class _Transport(KafkaSSLTransport):  # type: ignore[misc] # kafka-python ships no types
    async def handshake_until(self, timeout_at: float | None) -> None:
        """As ``handshake``, within a time of the monotonic clock.

        Raises:
            KafkaTimeoutError: The other side is silent.
            ssl.SSLError: It speaks something else, or cannot be trusted.
            OSError: It hangs up.
        """
        while True:
            try:
                self._sock.do_handshake()
            except ssl.SSLWantReadError:
                await self._net.wait_read(self._sock, timeout_at=timeout_at)
            except ssl.SSLWantWriteError:
                await self._net.wait_write(self._sock, timeout_at=timeout_at)
            else:
                return


class _Manager(KafkaConnectionManager):  # type: ignore[misc]
    """Makes connections.

    Attributes:
        handshake_error: What was wrong with the last handshakes, for a sentence; None where the last was well.
    """

    handshake_error: str | None = None

    async def _build_transport(self, node: Any, timeout_at: float | None = None) -> Any:  # noqa: ANN401
        if not self.ssl_enabled:
            return await super()._build_transport(node, timeout_at=timeout_at)
        options, proxy = self.config["socket_options"], self.config["proxy_url"]
        sock = await create_connection(self._net, node.host, node.port, options, proxy_url=proxy, timeout_at=timeout_at)
        configs = {name: value for name, value in self.config.items() if name.startswith("ssl_")}
        transport = _Transport(self._net, sock, host=node.host, **configs)
        try:
            await transport.handshake_until(timeout_at)
        except (KafkaTimeoutError, OSError) as exc:  # ssl.SSLError is an OSError
            transport.abort(exc)
            error = _sentence(f"{node.host}:{node.port}", exc)
            if self.handshake_error is None or not isinstance(exc, KafkaTimeoutError):
                self.handshake_error = error  # the last try before the time is over may just have been too short
            raise KafkaConnectionError(error) from exc
        self.handshake_error = None
        return transport


class Connections(KafkaNetClient):  # type: ignore[misc]
    """The connections of a client, for its option ``kafka_client``."""

    def __init__(self, **configs: Any) -> None:  # noqa: ANN401
        net = NetworkSelector(**configs)
        super().__init__(net=net, manager=_Manager(net, **configs), **configs)

    @property
    def handshake_error(self) -> str | None:
        """What was wrong with the last TLS handshakes, for a sentence; None where all is well, or there were none."""
        error: str | None = self._manager.handshake_error
        return error


def _sentence(address: str, exc: Exception) -> str:
    if isinstance(exc, ssl.SSLCertVerificationError):
        return (
            f"the certificate of {address} cannot be trusted: {exc.verify_message}. Look at the settings kafka.ssl_…, "
            "or at the name that kafka.bootstrap_servers uses for it"
        )
    said = "is silent" if isinstance(exc, KafkaTimeoutError) else f"answers with {exc}"
    return f"{address} does not answer TLS: it {said}. Does this port speak TLS, as kafka.security_protocol says?"
