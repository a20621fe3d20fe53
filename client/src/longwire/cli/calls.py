"""The server's calls with the command line's errors.

Those of :mod:`longwire.errors` are Qiskit's, and importing it takes longer than
telling that a server does not answer.
"""

from __future__ import annotations

import grpc

from longwire.cli.command_error import CommandError
from longwire.transport.account_calls import AccountCalls
from longwire.transport.admin_calls import AdminCalls
from longwire.transport.backend_calls import BackendCalls
from longwire.transport.calls import Calls
from longwire.transport.failures import failure_of
from longwire.transport.job_calls import JobCalls


class _CommandCalls(Calls):
    def error_of(self, call: grpc.RpcError, job_id: str = "") -> CommandError:
        """The command's error for a call that failed."""
        address = self._connection.address
        trouble = self._connection.tls_trouble(call)
        failure = failure_of(call, address, job_id, tls_trouble=trouble)
        hints = []
        if failure.reason == "JOB_NOT_FOUND":
            # Where another server is meant, its address shows it.
            listing = f"longwire --address {address} jobs"
            hints = [("ids have 32 hexadecimal digits; this lists them:", listing)]
        elif failure.reason == "SERVER_UNREACHABLE" and job_id:
            command = f"longwire --address {address} watch {job_id}"
            hints = [("when it answers again:", command)]
        elif failure.reason == "UNAUTHENTICATED":
            other = "another token" if self._connection.credentials.token else "a token"
            hints = [(f"with {other} from the server's admin:", f"longwire login {address}")]
        return CommandError(failure.reason, failure.message, job_id=job_id, hints=hints)


class CommandAccountCalls(_CommandCalls, AccountCalls):
    """The calls of AccountService. Each raises a CommandError where it fails."""


class CommandAdminCalls(_CommandCalls, AdminCalls):
    """The calls of AdminService. Each raises a CommandError where it fails."""


class CommandBackendCalls(_CommandCalls, BackendCalls):
    """The calls of BackendService. Each raises a CommandError where it fails."""


class CommandJobCalls(_CommandCalls, JobCalls):
    """The calls of JobService. Each raises a CommandError where it fails."""
