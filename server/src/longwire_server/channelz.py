"""gRPC's own view of its connections and calls (channelz), on a port of this machine alone."""

from __future__ import annotations

import grpc.aio


class Channelz:
    """The service ``grpc.channelz.v1.Channelz`` of this process, without any other beside it.

    Args:
        address: HOST:PORT on the loopback; port 0 takes a free one.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])

    async def start(self) -> str:
        """Starts to serve, and returns the address with its real port.

        Raises:
            RuntimeError: the port is taken.
        """
        # What few ask for is not imported for all.
        from grpc_channelz.v1 import channelz
        from grpc_reflection.v1alpha import reflection

        channelz.add_channelz_servicer(self._server)
        names = ("grpc.channelz.v1.Channelz", reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, self._server)
        port = self._server.add_insecure_port(self._address)
        await self._server.start()
        return f"{self._address.rpartition(':')[0]}:{port}"

    async def stop(self) -> None:
        """Ends it."""
        await self._server.stop(None)
