"""What every call has in common: a deadline, and errors of Longwire's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import grpc

from longwire.transport.connection import Connection
from longwire.transport.failures import error_of

StubT = TypeVar("StubT")


class Calls:
    """The calls of one service over a connection.

    Args:
        connection: the connection.
        stub_class: the service's generated stub.
    """

    def __init__(self, connection: Connection, stub_class: Callable[[grpc.Channel], Any]) -> None:
        self._connection = connection
        self._stub_class = stub_class
        self._stub_and_channel: tuple[Any, grpc.Channel] | None = None

    @property
    def _stub(self) -> Any:
        channel = self._connection.channel
        if self._stub_and_channel is None or self._stub_and_channel[1] is not channel:
            self._stub_and_channel = self._stub_class(channel), channel
        return self._stub_and_channel[0]

    def _call(self, method: str, request: Any, *, timeout_seconds: float | None = None) -> Any:
        """A unary call with the connection's deadline, or another.

        Raises:
            LongwireError: the call failed.
        """
        if timeout_seconds is None:
            timeout_seconds = self._connection.timeout_seconds
        with self.errors():
            return getattr(self._stub, method)(request, timeout=timeout_seconds)

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turns gRPC's errors into Longwire's."""
        try:
            yield
        except grpc.RpcError as error:
            raise self.error_of(error) from None

    def error_of(self, call: grpc.RpcError) -> Exception:
        """What to raise for a call that failed; the command line has errors of its own."""
        return error_of(call, self._connection.address)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_stub_and_channel": None}
