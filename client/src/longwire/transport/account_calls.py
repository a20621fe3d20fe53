"""One method for each RPC of AccountService."""

from __future__ import annotations

from longwire.transport.calls import Calls
from longwire.transport.connection import Connection
from longwire.v1 import account_service_pb2 as messages
from longwire.v1.account_pb2 import Usage
from longwire.v1.account_service_pb2_grpc import AccountServiceStub


class AccountCalls(Calls):
    """The calls of AccountService. Each raises a LongwireError where it fails."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection, AccountServiceStub)

    def who_am_i(self) -> messages.WhoAmIResponse:
        """Who the caller is to the server, and what its tenant may ask for."""
        response: messages.WhoAmIResponse = self._call("WhoAmI", messages.WhoAmIRequest())
        return response

    def get_usage(self, request: messages.GetUsageRequest) -> list[Usage]:
        """What a tenant has used, by tenant, day and backend."""
        response: messages.GetUsageResponse = self._call("GetUsage", request)
        return list(response.usage)
