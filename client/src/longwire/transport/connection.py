"""One channel to one server, made when it is first needed."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Iterable
from typing import Any

import grpc
from grpc.experimental import ChannelOptions

from longwire.transport.address import resolve_address
from longwire.transport.call_stream import CallStream
from longwire.transport.credentials import (
    Credentials,
    GivenCredentials,
    client_pair,
    resolve_credentials,
)
from longwire.transport.outage import Outage
from longwire.transport.tls_trouble import tls_trouble

# Chunks, configurations and small results; a large result comes in chunks.
_MAX_MESSAGE_BYTES = 64 * 1024 * 1024


class Connection:
    """A connection to a server, shared by everything that comes from one provider.

    It can be copied and pickled: the copy makes a channel of its own. A pickle may be
    kept or sent on, so it holds no token: where it is loaded, the token comes from the
    variable LONGWIRE_TOKEN or the account saved there.

    After ``fork`` it makes a new channel in the child where the parent had none yet, and
    refuses where it had one, because gRPC does not survive a fork.

    Args:
        address: ``HOST:PORT``; see :func:`resolve_address`.
        timeout_seconds: how long a call may take that does not wait for a job. A server
            that has answered before and is away is asked again within it.
        credentials: as whom the server is called; what is left out comes from variables
            or the saved account, see :mod:`longwire.transport.credentials`.

    Attributes:
        outage: whether the server answers.

    Raises:
        InvalidArgumentError: the address or a credential cannot be used.
    """

    def __init__(
        self,
        address: str | None = None,
        *,
        timeout_seconds: float = 30.0,
        credentials: GivenCredentials | None = None,
    ) -> None:
        self.address = resolve_address(address)
        self.timeout_seconds = timeout_seconds
        self._given = GivenCredentials()
        self._lost_token = False
        self._credentials: Credentials | None = resolve_credentials(
            self.address, credentials or self._given
        )
        self._reset()

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._channel: grpc.Channel | None = None
        self._channel_pid = 0
        self._closed = False
        # Those on which calls are under way; see renew.
        self._replaced: weakref.WeakSet[grpc.Channel] = weakref.WeakSet()
        # The call that was judged last, and what is wrong with TLS on it.
        self._judged: tuple[grpc.RpcError | None, str] = (None, "")
        self._call_stream: CallStream | None = None
        self._call_streams: weakref.WeakSet[CallStream] = weakref.WeakSet()
        # Whoever forgets the connection need not close it.
        weakref.finalize(self, _end_all, self._call_streams)
        self._has_called = False
        self._has_streams = True
        self.outage = Outage(self.address)

    @property
    def credentials(self) -> Credentials:
        """As whom the server is called.

        Raises:
            AuthenticationError: the connection was pickled, and its token is not known here.
            InvalidArgumentError: a file that was given cannot be used any more.
        """
        if self._credentials is None:
            self._credentials = self._credentials_found_again()
        return self._credentials

    @property
    def metadata(self) -> tuple[tuple[str, str], ...] | None:
        """What every call carries."""
        return (self._credentials or self.credentials).metadata

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
                self._channel = _new_channel(self.address, self.credentials)
            return self._channel

    def call_stream(self) -> CallStream | None:
        """The stream for small calls; None where the next one is to be made by itself.

        So is the first of all: a program that makes one call is quicker without. And so
        are all to a server that has never answered, and to one without such streams.
        """
        stream = self._call_stream
        # A child of a fork has its parent's stream in memory, and cannot use it.
        is_ours = self._channel_pid == os.getpid()
        if is_ours and stream is not None and stream.serves(self._channel):
            return stream
        return self._next_call_stream()

    def _next_call_stream(self) -> CallStream | None:
        if not (self._has_called and self._has_streams and self.outage.has_answered):
            self._has_called = True
            return None
        channel = self.channel
        with self._lock:
            stream = self._call_stream
            if stream is not None and stream.is_unknown:
                self._has_streams = False
                return None
            if self._channel is not channel:
                return None
            if stream is None or not stream.serves(channel):
                if stream is not None:
                    stream.retire()
                stream = self._call_stream = CallStream(channel, self.metadata)
                self._call_streams.add(stream)
            return stream

    def renew(self, channel: grpc.Channel) -> None:
        """Has the next call make a new channel, because this one seems to be dead.

        Calls under way on it go on: it may be only slow.

        Args:
            channel: the channel; nothing happens where it is not the present one.
        """
        with self._lock:
            stream = self._call_stream
            if stream is not None and stream.serves(channel) and not stream.has_answered:
                # Something in between may hold back what streams to the server.
                self._has_streams = False
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
            self._channel = self._call_stream = None
            self._replaced.clear()
        for channel in channels:
            channel.close()

    def tls_trouble(self, call: grpc.RpcError) -> str:
        """What is wrong with TLS, where that is why a call failed; empty otherwise.

        It stays wrong: such a call is not to be made again.
        """
        if self._judged[0] is not call:
            trouble = ""
            if call.code() is grpc.StatusCode.UNAVAILABLE:
                trouble = tls_trouble(
                    call.details() or "",
                    self.address,
                    self.credentials,
                    # A server that has answered before and hangs up now is about to stop.
                    probes=not self.outage.has_answered,
                )
            self._judged = call, trouble
        return self._judged[1]

    def _credentials_found_again(self) -> Credentials:
        """The credentials of a connection that was pickled, with the token of this place."""
        credentials = resolve_credentials(self.address, self._given)
        if self._lost_token and not credentials.token:
            from longwire.errors import AuthenticationError

            raise AuthenticationError(
                "This connection was pickled, and pickles hold no tokens: set LONGWIRE_TOKEN "
                f"where it is loaded, or log in there (longwire login {self.address})"
            )
        return credentials

    def __getstate__(self) -> dict[str, Any]:
        credentials = self._credentials
        if credentials is None:
            given, lost = self._given, self._lost_token
        else:
            given = GivenCredentials(
                ca=credentials.ca.decode() if credentials.ca else None,
                certificate=credentials.certificate or None,
                key=credentials.key or None,
                tls=credentials.tls or None,
            )
            lost = bool(credentials.token)
        return {
            "address": self.address,
            "timeout_seconds": self.timeout_seconds,
            "_given": given,
            "_lost_token": lost,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._credentials = None
        self._reset()

    def __copy__(self) -> Connection:
        copied = Connection.__new__(Connection)
        copied.__setstate__(self.__getstate__())
        copied._credentials = self._credentials
        return copied

    def __deepcopy__(self, _memo: dict[int, Any]) -> Connection:
        return self.__copy__()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Connection) or self.__getstate__() != other.__getstate__():
            return False
        # A copy that was pickled may not know its token yet.
        here, there = self._credentials, other._credentials
        return here is None or there is None or here.token == there.token

    def __hash__(self) -> int:
        return hash(self.address)

    def __repr__(self) -> str:
        return f"Connection({self.address!r})"


def _end_all(streams: Iterable[CallStream]) -> None:
    for stream in list(streams):
        stream.end()


def _new_channel(address: str, credentials: Credentials) -> grpc.Channel:
    options = _channel_options()
    if not credentials.tls:
        return grpc.insecure_channel(address, options=options)
    key, certificate = client_pair(credentials)
    tls = grpc.ssl_channel_credentials(credentials.ca, key, certificate)
    return grpc.secure_channel(address, tls, options=options)


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
