"""Clients that submit jobs without a pause while a test makes trouble, and keep account."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from collections.abc import Iterable
from types import TracebackType
from typing import Self

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from server_process import START_SECONDS
from service_calls import bell_spec

from longwire.v1 import job_service_pb2 as messages
from longwire.v1.job_pb2 import Job, JobState
from longwire.v1.job_service_pb2_grpc import JobServiceStub

_RETRY_SECONDS = 0.05


class JobSubmitters:
    """Threads that each submit one Bell circuit after another.

    A request that fails is made again under the same request id until it is
    acknowledged, as any client would. At the end of a ``with`` block every request
    that was begun has been acknowledged.

    Args:
        address: the server's.
        backend_name: which backend the jobs are for.
        threads: how many submit at a time.
        pause_seconds: how long each waits between two requests.

    Attributes:
        acknowledged: the job's id for each request id.
        refusals: how often requests failed, by reason; by status code where the status
            gives no reason.
    """

    def __init__(
        self, address: str, backend_name: str, *, threads: int = 2, pause_seconds: float = 0.02
    ) -> None:
        self.acknowledged: dict[str, str] = {}
        self.refusals: Counter[str] = Counter()
        self._address, self._backend_name = address, backend_name
        self._pause_seconds = pause_seconds
        self._is_over = threading.Event()
        self._gives_up = threading.Event()
        self._failures: list[BaseException] = []
        self._threads = [
            threading.Thread(target=self._run, args=(f"{number}",)) for number in range(threads)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._is_over.set()
        if error is not None:
            self._gives_up.set()
        for thread in self._threads:
            thread.join(START_SECONDS)
        in_time = not any(thread.is_alive() for thread in self._threads)
        self._gives_up.set()
        if error is None:
            assert in_time, self.refusals
            assert not self._failures

    def _run(self, name: str) -> None:
        try:
            with grpc.insecure_channel(self._address) as channel:
                jobs = JobServiceStub(channel)
                for number in itertools.count():
                    self._submit(jobs, f"request {name}-{number}")
                    if self._is_over.wait(self._pause_seconds):
                        return
        except BaseException as failure:
            self._failures.append(failure)
            raise

    def _submit(self, jobs: JobServiceStub, request_id: str) -> None:
        request = messages.SubmitJobRequest(
            spec=bell_spec(backend_name=self._backend_name), request_id=request_id
        )
        while not self._gives_up.is_set():
            try:
                answer = jobs.SubmitJob(request, timeout=START_SECONDS)
            except grpc.RpcError as error:
                self.refusals[reason_of(error)] += 1
                self._gives_up.wait(_RETRY_SECONDS)
            else:
                self.acknowledged[request_id] = answer.job.job_id
                return


def reason_of(error: grpc.RpcError) -> str:
    """Longwire's reason in an error, or the name of its status code."""
    status = rpc_status.from_call(error)
    info = error_details_pb2.ErrorInfo()
    if status is not None and any(detail.Unpack(info) for detail in status.details):
        return str(info.reason)
    code = error.code()
    return str(code.name)


def listed(address: str) -> list[Job]:
    """All jobs of a server, the newest first, through all pages."""
    found: list[Job] = []
    with grpc.insecure_channel(address) as channel:
        jobs, token = JobServiceStub(channel), ""
        while True:
            page = jobs.ListJobs(messages.ListJobsRequest(page_size=100, page_token=token))
            found += page.jobs
            token = page.next_page_token
            if not token:
                return found


def ended(address: str, job_ids: Iterable[str]) -> list[Job]:
    """The final records of jobs, in their order; waits for the end of each."""
    with grpc.insecure_channel(address) as channel:
        jobs = JobServiceStub(channel)
        return [_ended(jobs, job_id) for job_id in job_ids]


def _ended(jobs: JobServiceStub, job_id: str) -> Job:
    watch = jobs.WatchJob(messages.WatchJobRequest(job_id=job_id), timeout=START_SECONDS)
    *_, last = (event for answer in watch for event in answer.events)
    return last.finished.job


def assert_each_ran_once(address: str, submitters: JobSubmitters) -> None:
    """Asserts that every acknowledged job was done in one attempt, and that no other job is there.

    For a server that took jobs from these submitters alone, and lost no worker.
    """
    job_ids = list(submitters.acknowledged.values())
    assert len(set(job_ids)) == len(job_ids)
    for job in ended(address, job_ids):
        assert (job.status.status, job.attempt) == (JobState.JOB_STATE_DONE, 1), job
    assert {job.job_id for job in listed(address)} == set(job_ids)
