"""One channel to one server, made when it is first needed."""

from __future__ import annotations

import json
import os
import threading
from typing import Any

import grpc
from grpc.experimental import ChannelOptions

from longwire.transport.address import resolve_address

# Chunks, configurations and small results; a large result comes in chunks.
_MAX_MESSAGE_BYTES = 64 * 1024 * 1024

_SAFE_TO_REPEAT = (
    ("longwire.v1.BackendService", "ListBackends"),
    ("longwire.v1.BackendService", "GetBackendStatus"),
    ("longwire.v1.BackendService", "GetBackendConfiguration"),
    ("longwire.v1.BackendService", "GetBackendProperties"),
    ("longwire.v1.BackendService", "GetBackendTarget"),
    ("longwire.v1.JobService", "GetJob"),
    ("longwire.v1.JobService", "ListJobs"),
    ("longwire.v1.JobService", "CancelJob"),
)
_SERVICE_CONFIG = {
    "methodConfig": [
        {
            "name": [{"service": service, "method": method} for service, method in _SAFE_TO_REPEAT],
            "retryPolicy": {
                "maxAttempts": 4,
                "initialBackoff": "0.1s",
                "maxBackoff": "1s",
                "backoffMultiplier": 3,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ]
}


class Connection:
    """A connection to a server, shared by everything that comes from one provider.

    It can be copied and pickled: the copy has the address, and makes a channel of
    its own. After ``fork`` it makes a new channel in the child where the parent had
    none yet, and refuses where it had one, because gRPC does not survive a fork.

    Args:
        address: ``HOST:PORT``; see :func:`resolve_address`.
        timeout_seconds: how long a call may take that does not wait for a job.
    """

    def __init__(self, address: str | None = None, *, timeout_seconds: float = 30.0) -> None:
        self.address = resolve_address(address)
        self.timeout_seconds = timeout_seconds
        self._reset()

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._channel: grpc.Channel | None = None
        self._channel_pid = 0
        self._closed = False

    @property
    def channel(self) -> grpc.Channel:
        """The channel.

        Raises:
            ServerUnreachableError: the connection was closed, or is a parent process's.
        """
        if self._channel is None or self._channel_pid != os.getpid():
            return self._open()
        return self._channel

    def _open(self) -> grpc.Channel:
        with self._lock:
            forked = self._channel is not None and self._channel_pid != os.getpid()
            if self._closed or forked:
                from longwire.errors import ServerUnreachableError

                raise ServerUnreachableError(
                    "The connection was closed; open a new one"
                    if self._closed
                    else "The connection was made before this process was forked, which gRPC does "
                    "not survive: connect in the child, or start it with the spawn method"
                )
            if self._channel is None:
                self._channel_pid = os.getpid()
                self._channel = grpc.insecure_channel(self.address, options=_channel_options())
            return self._channel

    def close(self) -> None:
        """Closes the channel. Calls under way end; jobs go on."""
        with self._lock:
            self._closed = True
            channel, self._channel = self._channel, None
        if channel is not None:
            channel.close()

    def __getstate__(self) -> dict[str, Any]:
        return {"address": self.address, "timeout_seconds": self.timeout_seconds}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._reset()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Connection) and self.__getstate__() == other.__getstate__()

    def __hash__(self) -> int:
        return hash(self.address)

    def __repr__(self) -> str:
        return f"Connection({self.address!r})"


def _channel_options() -> list[tuple[str, Any]]:
    return [
        ("grpc.max_receive_message_length", _MAX_MESSAGE_BYTES),
        ("grpc.max_send_message_length", -1),
        ("grpc.service_config", json.dumps(_SERVICE_CONFIG)),
        # A laptop that wakes up notices a dead connection by this.
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        # Responses are read in the thread that waits for them.
        (ChannelOptions.SingleThreadedUnaryStream, 1),
    ]
