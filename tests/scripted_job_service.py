"""A JobService that answers as a test tells it to, over a real connection.

For what a client does with answers that a real server gives seldom.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent import futures

import grpc

from longwire.transport.connection import Connection
from longwire.transport.job_calls import JobCalls
from longwire.v1 import job_service_pb2 as messages
from longwire.v1.error_pb2 import ErrorReason
from longwire.v1.job_event_pb2 import JobAccepted, JobEvent
from longwire.v1.job_pb2 import Job
from longwire.v1.job_service_pb2_grpc import (
    JobServiceServicer,
    add_JobServiceServicer_to_server,
)
from longwire_server.refusals import RequestRefusedError
from longwire_server.servicers.status_table import status_of


class ScriptedJobService(JobServiceServicer):
    """Accepts every job whose payloads it has, and tells nothing more of it.

    Attributes:
        requests: what came, in order.
        programs: the digests of payloads that it has.
        target_sha256: what it says the backend's Target is.
    """

    def __init__(self) -> None:
        self.requests: list[messages.RunJobRequest] = []
        self.programs: set[bytes] = set()
        self.target_sha256 = b""

    def RunJob(  # noqa: N802 - the name in the proto
        self, request: messages.RunJobRequest, context: grpc.ServicerContext
    ) -> Iterator[messages.RunJobResponse]:
        """Accepts a job, or asks for its payloads."""
        self.requests.append(request)
        program = request.spec.program
        if program.payloads:
            self.programs.add(program.payloads_sha256)
        elif program.payloads_sha256 not in self.programs:
            reason = ErrorReason.ERROR_REASON_PROGRAM_NOT_FOUND
            context.abort_with_status(status_of(RequestRefusedError(reason, "not, or no longer")))
        job = Job(job_id=f"{len(self.requests):032x}", backend_name=request.spec.backend_name)
        accepted = JobAccepted(job=job, created=True, target_sha256=self.target_sha256)
        yield messages.RunJobResponse(
            events=[JobEvent(job_id=job.job_id, sequence=1, accepted=accepted)]
        )


@contextlib.contextmanager
def scripted_job_calls(service: JobServiceServicer) -> Iterator[JobCalls]:
    """The calls of a connection to a service."""
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
    add_JobServiceServicer_to_server(service, server)
    port = server.add_insecure_port("localhost:0")
    server.start()
    connection = Connection(f"localhost:{port}")
    try:
        yield JobCalls(connection)
    finally:
        connection.close()
        server.stop(None).wait()
