"""What the command line says of a job that the server has not confirmed."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest

from longwire.cli.command_error import CommandError
from longwire.cli.parser import parse_command_line
from longwire.cli.run_commands import submit
from longwire.cli.session import Session
from longwire.transport.connection import Connection
from longwire.v1 import backend_service_pb2, job_service_pb2
from longwire.v1.backend_pb2 import Backend
from longwire.v1.backend_service_pb2_grpc import (
    BackendServiceServicer,
    add_BackendServiceServicer_to_server,
)
from longwire.v1.backend_status_pb2 import BackendStatus
from longwire.v1.job_service_pb2_grpc import JobServiceServicer, add_JobServiceServicer_to_server
from longwire_server.refusals import RequestRefusedError, server_draining, submission_in_doubt
from longwire_server.servicers.status_table import status_of


class OneBackend(BackendServiceServicer):
    """Hosts one backend."""

    def ListBackends(  # noqa: N802 - the name in the proto
        self, request: backend_service_pb2.ListBackendsRequest, context: grpc.ServicerContext
    ) -> backend_service_pb2.ListBackendsResponse:
        status = BackendStatus(backend_name="one", operational=True)
        backend = Backend(name="one", status=status, max_program_bytes=1000)
        return backend_service_pb2.ListBackendsResponse(backends=[backend])


class Refusing(JobServiceServicer):
    """Refuses every job."""

    def __init__(self, refusal: RequestRefusedError) -> None:
        self._refusal = refusal

    def RunJob(  # noqa: N802 - the name in the proto
        self, request: job_service_pb2.RunJobRequest, context: grpc.ServicerContext
    ) -> Iterator[job_service_pb2.RunJobResponse]:
        context.abort_with_status(status_of(self._refusal))
        yield job_service_pb2.RunJobResponse()


@contextmanager
def session_with(refusal: RequestRefusedError) -> Iterator[Session]:
    """A session with a server that refuses every job, for longer than the client waits."""
    refusal.retry_after_seconds = 60.0
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
    add_BackendServiceServicer_to_server(OneBackend(), server)
    add_JobServiceServicer_to_server(Refusing(refusal), server)
    port = server.add_insecure_port("localhost:0")
    server.start()
    connection = Connection(f"localhost:{port}")
    try:
        yield Session(None, False, connection)
    finally:
        connection.close()
        server.stop(None).wait()


def refused(refusal: RequestRefusedError, folder: Path) -> CommandError:
    """The error of a submission."""
    (folder / "one.qasm").write_text('OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit q;\nx q;\n')
    arguments = parse_command_line(["submit", str(folder / "one.qasm")])
    with session_with(refusal) as session, pytest.raises(CommandError) as caught:
        submit(session, arguments)
    return caught.value


def test_job_in_doubt_is_looked_for_by_jobs_and_not_by_a_request_id(tmp_path: Path) -> None:
    error = refused(submission_in_doubt("0" * 32), tmp_path)
    assert error.reason == "STORE_UNAVAILABLE"
    assert "whether the job was recorded is not known" in error.message
    assert "request_id" not in error.message
    assert error.hints == (("see whether it was:", "longwire jobs"),)


def test_job_that_a_draining_server_refuses_was_not_recorded(tmp_path: Path) -> None:
    error = refused(server_draining(), tmp_path)
    assert error.reason == "SERVER_DRAINING"
    assert error.message.endswith("The job was not recorded")
