"""``longwire.v1.CallService``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from longwire.v1 import call_service_pb2 as messages
from longwire.v1.call_service_pb2_grpc import CallServiceServicer
from longwire_server.servicers.backend_service import BackendServicer
from longwire_server.servicers.call_stream import CallStream, ConnectionCalls, Guard, Rpc
from longwire_server.servicers.job_service import JobServicer


class CallServicer(CallServiceServicer):
    """Has the servicers answer calls that come over one stream.

    Args:
        jobs: answers those of JobService.
        backends: answers those of BackendService.
        guard: stands in front of each call, as in front of its RPC.
        max_calls: how many calls the streams of a connection may have at once.
    """

    def __init__(
        self, jobs: JobServicer, backends: BackendServicer, *, guard: Guard, max_calls: int
    ) -> None:
        # By the field that holds the request, and the response.
        self._rpcs = {
            "run_job": Rpc("/longwire.v1.JobService/RunJob", jobs.RunJob, streams=True),
            "submit_job": Rpc("/longwire.v1.JobService/SubmitJob", jobs.SubmitJob),
            "watch_job": Rpc("/longwire.v1.JobService/WatchJob", jobs.WatchJob, streams=True),
            "get_job": Rpc("/longwire.v1.JobService/GetJob", jobs.GetJob),
            "get_backend_status": Rpc(
                "/longwire.v1.BackendService/GetBackendStatus", backends.GetBackendStatus
            ),
        }
        self._guard = guard
        self._max_calls = max_calls
        self._streams: set[CallStream] = set()
        self._connections: dict[str, ConnectionCalls] = {}
        self._drains = False

    async def MakeCalls(  # noqa: N802
        self, requests: AsyncIterator[messages.MakeCallsRequest], context: Any
    ) -> AsyncIterator[messages.MakeCallsResponse]:
        """Makes calls, and answers each as its own RPC would."""
        if self._drains:
            return
        peer = context.peer()
        connection = self._connections.setdefault(peer, ConnectionCalls(self._max_calls))
        stream = CallStream(self._rpcs, self._guard, context, connection)
        self._streams.add(stream)
        connection.num_streams += 1
        try:
            async for response in stream.responses(requests):
                yield response
        finally:
            self._streams.discard(stream)
            connection.num_streams -= 1
            if not connection.num_streams:
                del self._connections[peer]

    def drain(self) -> None:
        """Has every stream end when the calls are answered that it has now."""
        self._drains = True
        for stream in self._streams:
            stream.drain()
