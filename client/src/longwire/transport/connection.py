"""One channel to one server, made when it is first needed."""

from __future__ import annotations

import os
import threading
import weakref
from typing import Any

import grpc
from grpc.experimental import ChannelOptions

from longwire.transport.address import resolve_address
from longwire.transport.outage import Outage

# Chunks, configurations and small results; a large result comes in chunks.
_MAX_MESSAGE_BYTES = 64 * 1024 * 1024


class Connection:
    """A connection to a server, shared by everything that comes from one provider.

    It can be copied and pickled: the copy has the address, and makes a channel of
    its own. After ``fork`` it makes a new channel in the child where the parent had
    none yet, and refuses where it had one, because gRPC does not survive a fork.

    Args:
        address: ``HOST:PORT``; see :func:`resolve_address`.
        timeout_seconds: how long a call may take that does not wait for a job. A server
            that has answered before and is away is asked again within it.

    Attributes:
        outage: whether the server answers.
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
        # Those on which calls are under way; see renew.
        self._replaced: weakref.WeakSet[grpc.Channel] = weakref.WeakSet()
        self.outage = Outage(self.address)

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
            forked = self._channel_pid not in (0, os.getpid())
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

    def renew(self, channel: grpc.Channel) -> None:
        """Has the next call make a new channel, because this one seems to be dead.

        Calls under way on it go on: it may be only slow.

        Args:
            channel: the channel; nothing happens where it is not the present one.
        """
        with self._lock:
            if self._channel is channel:
                self._replaced.add(channel)
                self._channel = None

    def close(self) -> None:
        """Closes the channel. Calls under way end; jobs go on."""
        with self._lock:
            self._closed = True
            channels = list(self._replaced)
            if self._channel is not None:
                channels.append(self._channel)
            self._channel = None
            self._replaced.clear()
        for channel in channels:
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
        # A connection that died in silence, as when a laptop sleeps, is noticed by this
        # within 25 s of the last that came, however long nothing was sent.
        ("grpc.keepalive_time_ms", 15_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        # The same for newer gRPC, which waits for a minute otherwise.
        ("grpc.http2.ping_timeout_ms", 10_000),
        ("grpc.http2.max_pings_without_data", 0),
        # One that is used no more is closed: the next call makes a new one, and never
        # waits for one that died meanwhile.
        ("grpc.client_idle_timeout_ms", 30_000),
        # How soon a server is found that is back: by default it takes up to 2 min. An
        # attempt may take 10 s.
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.min_reconnect_backoff_ms", 10_000),
        ("grpc.max_reconnect_backoff_ms", 5_000),
        # A new channel is to make a new connection.
        ("grpc.use_local_subchannel_pool", 1),
        # Responses are read in the thread that waits for them.
        (ChannelOptions.SingleThreadedUnaryStream, 1),
    ]
