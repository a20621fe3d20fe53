"""The ports beside gRPC's own: HTTP and channelz, where the configuration asks for them."""

from __future__ import annotations

import asyncio
import logging

import grpc.aio

from longwire_server.channelz import Channelz
from longwire_server.config.model import ServerConfig
from longwire_server.gateway.gateway import Gateway, GatewayError

_logger = logging.getLogger(__name__)


class SidePortError(Exception):
    """A port cannot be served; the message says why and what to do."""


class SidePorts:
    """What listens beside the server, and ends with it.

    Args:
        config: the server's.

    Raises:
        SidePortError: there is to be HTTP, and there is no Envoy.
    """

    def __init__(self, config: ServerConfig) -> None:
        self._channelz_address = config.server.channelz_address
        try:
            self._gateway = None if config.http.address is None else Gateway(config)
        except GatewayError as error:
            raise SidePortError(str(error)) from error
        self._channelz = (
            None if self._channelz_address is None else Channelz(self._channelz_address)
        )

    def listen(self, server: grpc.aio.Server) -> None:
        """Has a server that has its locks, and is not started yet, listen to its gateway.

        Raises:
            SidePortError: there is no place for the socket.
        """
        if self._gateway is None:
            return
        try:
            server.add_insecure_port(f"unix:{self._gateway.make_way()}")
        except GatewayError as error:
            raise SidePortError(str(error)) from error

    async def start(self, stopping: asyncio.Event) -> None:
        """Starts them.

        Args:
            stopping: set when the server is to stop after all, while Envoy starts.

        Raises:
            ConfigError: the files of ``[tls]`` cannot be used.
            SidePortError: a port is taken, or Envoy does not start.
        """
        if self._gateway is not None:
            try:
                _logger.info("answering HTTP at %s", await self._gateway.start(stopping))
            except GatewayError as error:
                await self._gateway.stop()
                raise SidePortError(str(error)) from error
        if self._channelz is not None:
            try:
                _logger.info("channelz at %s", await self._channelz.start())
            except RuntimeError as error:
                raise SidePortError(
                    f"cannot listen on {self._channelz_address} for channelz: the port is taken; "
                    "choose another server.channelz_address"
                ) from error

    async def stop(self) -> None:
        """Ends them, once the server answers no more."""
        if self._gateway is not None:
            await self._gateway.stop()
        if self._channelz is not None:
            await self._channelz.stop()
