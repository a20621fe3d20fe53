"""``longwire.v1.JobService``."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from longwire.v1 import job_service_pb2 as messages
from longwire.v1.account_pb2 import Scope
from longwire.v1.job_event_pb2 import JobAccepted, JobEvent
from longwire.v1.job_pb2 import JobState
from longwire.v1.job_service_pb2_grpc import JobServiceServicer
from longwire_server.accounts.access_refusals import scope_needed
from longwire_server.accounts.caller import caller
from longwire_server.accounts.reach import reachable_tenant, tenant_asked_for
from longwire_server.failpoints import failpoint
from longwire_server.jobs.job_message import job_to_proto, timestamp
from longwire_server.jobs.labels import LabelChange
from longwire_server.jobs.manager import JobManager
from longwire_server.jobs.submissions import Submission
from longwire_server.refusals import argument_invalid
from longwire_server.servicers.callers import tenant_of
from longwire_server.servicers.owning_calls import OwningCalls
from longwire_server.servicers.plain_results import with_plain_result
from longwire_server.servicers.result_responses import result_responses
from longwire_server.store.job_query import Cursor, JobQuery

_PAGE_SIZE = 100
_MAX_PAGE_SIZE = 1000
_STATES = frozenset(JobState.values()) - {JobState.JOB_STATE_UNSPECIFIED}
# Some callers name one twice; nobody has a reason to name it a million times.
_MAX_STATES = 32
# A watch begins behind the accepted event, which is a job's first.
_ACCEPTED_SEQUENCE = 1


class JobServicer(JobServiceServicer):
    """Answers from the job manager.

    Args:
        manager: has the jobs.
        plain_bytes: results up to this size are told as messages, where that is asked for.
    """

    def __init__(self, manager: JobManager, *, plain_bytes: int) -> None:
        self._manager = manager
        self._plain_bytes = plain_bytes
        self._owning = OwningCalls(manager.cancel)

    def drain(self) -> None:
        """Lets jobs go on whose calls end from now on."""
        self._owning.stop()

    async def RunJob(  # noqa: N802
        self, request: messages.RunJobRequest, context: Any
    ) -> AsyncIterator[messages.RunJobResponse]:
        """Submits a job and tells its events."""
        failpoint("service.submit.received")
        tenant = tenant_of(context)
        submitting = self._manager.submit(tenant, request.spec, request.request_id)
        owns_job, is_plain = request.cancel_with_call, request.plain_result
        # The store has the program; here it would wait for the job's end.
        del request
        if owns_job:
            submission = await self._owning.submitted(tenant, submitting, context)
            told = self._events(tenant, submission)
            told = self._owning.owned(tenant, submission.job.job_id, told, context)
        else:
            told = self._events(tenant, await submitting)
        async with contextlib.aclosing(told) as batches:
            async for events in batches:
                if is_plain:
                    events = with_plain_result(events, self._plain_bytes)
                yield messages.RunJobResponse(events=events)

    async def _events(
        self, tenant: str, submission: Submission
    ) -> AsyncGenerator[list[JobEvent], None]:
        """All events of a job that was just submitted."""
        failpoint("service.accepted.before")
        yield [_accepted_event(submission)]
        job_id = submission.job.job_id
        async for events in self._manager.watch(tenant, job_id, _ACCEPTED_SEQUENCE):
            _reach_events(events)
            yield events

    async def SubmitJob(  # noqa: N802
        self, request: messages.SubmitJobRequest, context: Any
    ) -> messages.SubmitJobResponse:
        """Submits a job."""
        failpoint("service.submit.received")
        submission = await self._manager.submit(
            tenant_of(context), request.spec, request.request_id
        )
        failpoint("service.accepted.before")
        return messages.SubmitJobResponse(
            job=job_to_proto(submission.job),
            created=submission.created,
            target_sha256=submission.target_sha256,
        )

    async def GetJob(  # noqa: N802
        self, request: messages.GetJobRequest, _context: Any
    ) -> messages.GetJobResponse:
        """The job as it is now."""
        return messages.GetJobResponse(
            job=await self._manager.get(reachable_tenant(), request.job_id)
        )

    async def WatchJob(  # noqa: N802
        self, request: messages.WatchJobRequest, context: Any
    ) -> AsyncIterator[messages.WatchJobResponse]:
        """The job's events after a sequence."""
        tenant = tenant_of(context)
        if request.cancel_with_call and Scope.SCOPE_SUBMIT not in caller().scopes:
            # Who may only look is not to end a job by looking away.
            raise scope_needed(Scope.SCOPE_SUBMIT)
        watched = self._manager.watch(
            tenant, request.job_id, request.resume_after, pub_results=request.pub_results
        )
        if request.cancel_with_call:
            watched = self._owning.owned(tenant, request.job_id, watched, context)
        async with contextlib.aclosing(watched) as batches:
            async for events in batches:
                _reach_events(events)
                if request.plain_result:
                    events = with_plain_result(events, self._plain_bytes)
                yield messages.WatchJobResponse(events=events)

    async def GetResult(  # noqa: N802
        self, request: messages.GetResultRequest, context: Any
    ) -> AsyncIterator[Any]:
        """The result in chunks, as responses that are serialised already."""
        async with self._manager.result(tenant_of(context), request.job_id) as result:
            failpoint("service.result.before")
            async for response in result_responses(result):
                failpoint("service.chunk.before")
                yield response

    async def ListJobs(  # noqa: N802
        self, request: messages.ListJobsRequest, _context: Any
    ) -> messages.ListJobsResponse:
        """A page of the jobs of the caller's tenant, or of those that an operator asks for."""
        tenant = tenant_asked_for(request.tenant, all_tenants=request.all_tenants)
        page = await self._manager.list_jobs(_job_query(tenant, request))
        token = "" if page.next_page is None else page.next_page.to_token()
        return messages.ListJobsResponse(jobs=page.jobs, next_page_token=token)

    async def CancelJob(  # noqa: N802
        self, request: messages.CancelJobRequest, _context: Any
    ) -> messages.CancelJobResponse:
        """Cancels a job."""
        failpoint("service.cancel.received")
        job = await self._manager.cancel(reachable_tenant(), request.job_id)
        failpoint("service.cancel.after")
        return messages.CancelJobResponse(job=job)

    async def UpdateJob(  # noqa: N802
        self, request: messages.UpdateJobRequest, context: Any
    ) -> messages.UpdateJobResponse:
        """Changes the name, the tags or the priority of a job."""
        change = LabelChange(
            name=request.name if request.HasField("name") else None,
            tags=tuple(request.tags.tags) if request.HasField("tags") else None,
            add_tags=tuple(request.add_tags),
            remove_tags=tuple(request.remove_tags),
            priority=request.priority if request.HasField("priority") else None,
        )
        return messages.UpdateJobResponse(
            job=await self._manager.update(tenant_of(context), request.job_id, change)
        )

    async def DeleteJob(  # noqa: N802
        self, request: messages.DeleteJobRequest, context: Any
    ) -> messages.DeleteJobResponse:
        """Deletes a job in a final state."""
        await self._manager.delete(tenant_of(context), request.job_id)
        return messages.DeleteJobResponse()


def _reach_events(events: list[JobEvent]) -> None:
    is_last = events[-1].HasField("finished")
    failpoint("service.final.before" if is_last else "service.events.before")


def _accepted_event(submission: Submission) -> JobEvent:
    job = submission.job
    return JobEvent(
        job_id=job.job_id,
        sequence=_ACCEPTED_SEQUENCE,
        event_time=timestamp(job.create_time_us),
        accepted=JobAccepted(
            job=job_to_proto(job),
            created=submission.created,
            target_sha256=submission.target_sha256,
        ),
    )


def _job_query(tenant: str | None, request: messages.ListJobsRequest) -> JobQuery:
    if request.page_size > _MAX_PAGE_SIZE:
        raise argument_invalid(
            "page_size", f"it is {request.page_size}; ask for at most {_MAX_PAGE_SIZE}"
        )
    if len(request.states) > _MAX_STATES:
        raise argument_invalid(
            "states", f"there are {len(request.states)}; write at most {_MAX_STATES}"
        )
    for state in request.states:
        if state not in _STATES:
            raise argument_invalid("states", f"{state} is no state of a job")
    try:
        after = Cursor.from_token(request.page_token) if request.page_token else None
    except ValueError as error:
        raise argument_invalid(
            "page_token", f"it is {error}; send next_page_token as it came"
        ) from error
    return JobQuery(
        tenant=tenant,
        page_size=request.page_size or _PAGE_SIZE,
        after=after,
        backend_name=request.backend_name,
        states=frozenset(request.states),
        tag=request.tag,
        name=request.name,
        created_after_us=_time_us(request, "created_after"),
        created_before_us=_time_us(request, "created_before"),
    )


def _time_us(request: messages.ListJobsRequest, field: str) -> int | None:
    if not request.HasField(field):  # type: ignore[arg-type]
        return None
    time: Timestamp = getattr(request, field)
    try:
        return time.ToMicroseconds()
    except ValueError as error:
        raise argument_invalid(
            field, "it is no time; write one of the years 1 to 9999, with 0 to 999999999 nanos"
        ) from error
