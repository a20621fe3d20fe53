"""One method for each RPC of BackendService."""

from __future__ import annotations

from collections.abc import Iterator

import grpc

from longwire.transport.calls import Calls
from longwire.transport.connection import Connection
from longwire.v1 import backend_service_pb2 as messages
from longwire.v1.backend_configuration_pb2 import BackendConfiguration
from longwire.v1.backend_pb2 import Backend
from longwire.v1.backend_properties_pb2 import BackendProperties
from longwire.v1.backend_service_pb2_grpc import BackendServiceStub
from longwire.v1.backend_status_pb2 import BackendStatus
from longwire.v1.target_pb2 import EncodedTarget


class BackendCalls(Calls):
    """The calls of BackendService. Each raises a LongwireError where it fails."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection, BackendServiceStub)

    def list_backends(self) -> list[Backend]:
        """All backends with their status."""
        response = self._call("ListBackends", messages.ListBackendsRequest())
        return list(response.backends)

    def get_backend_status(
        self, backend_name: str, *, timeout_seconds: float | None = None
    ) -> messages.GetBackendStatusResponse:
        """The status of one backend, and whether it is paused.

        Args:
            backend_name: its name.
            timeout_seconds: how long to wait for it; None takes the connection's.
        """
        request = messages.GetBackendStatusRequest(backend_name=backend_name)
        response: messages.GetBackendStatusResponse = self._call(
            "GetBackendStatus", request, timeout_seconds=timeout_seconds
        )
        return response

    def watch_backend_status(self, backend_name: str) -> Iterator[BackendStatus]:
        """The status of one backend now and after every change, until the caller stops."""
        request = messages.WatchBackendStatusRequest(backend_name=backend_name)
        try:
            for response in self._stub.WatchBackendStatus(
                request, metadata=self._connection.metadata
            ):
                yield response.backend_status
        except grpc.RpcError as error:
            raise self.error_of(error) from None

    def get_backend_configuration(self, backend_name: str) -> BackendConfiguration:
        """The configuration of one backend."""
        request = messages.GetBackendConfigurationRequest(backend_name=backend_name)
        response: messages.GetBackendConfigurationResponse = self._call(
            "GetBackendConfiguration", request
        )
        return response.backend_configuration

    def get_backend_properties(self, backend_name: str) -> BackendProperties | None:
        """The properties of one backend; None where it has none."""
        request = messages.GetBackendPropertiesRequest(backend_name=backend_name)
        response: messages.GetBackendPropertiesResponse = self._call(
            "GetBackendProperties", request
        )
        return response.backend_properties if response.HasField("backend_properties") else None

    def get_backend_target(self, backend_name: str) -> EncodedTarget:
        """The Target of one backend."""
        request = messages.GetBackendTargetRequest(backend_name=backend_name)
        response: messages.GetBackendTargetResponse = self._call("GetBackendTarget", request)
        return response.target
