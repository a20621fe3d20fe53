"""A request that comes again gets its job, whatever limits have been reached since."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from server_process import ServerProcess, configured_server, wait_until
from service_calls import bell_spec, refusal, run

from longwire.v1 import job_service_pb2 as messages
from longwire.v1.job_pb2 import JobState
from longwire.v1.job_service_pb2_grpc import JobServiceStub

CONFIG = """
[store]
durability = "power"

[limits]
queued_jobs = {queued_jobs}

[quotas]
unfinished_jobs = {unfinished_jobs}

[[pool]]
name = "default"
processes = 1

[[backend]]
name = "gated"
factory = "gated_backend:GatedBackend"
"""
NUM_AT_ONCE = 60


class House:
    """A server's jobs."""

    def __init__(self, server: ServerProcess) -> None:
        self.channel = grpc.insecure_channel(server.address)
        self.jobs = JobServiceStub(self.channel)

    def submit(self, gate: Path, request_id: str = "") -> messages.SubmitJobResponse:
        request = messages.SubmitJobRequest(spec=bell_spec(gate=gate), request_id=request_id)
        return self.jobs.SubmitJob(request, timeout=120.0)

    def runs(self, job_id: str) -> bool:
        job = self.jobs.GetJob(messages.GetJobRequest(job_id=job_id)).job
        return bool(job.status.status == JobState.JOB_STATE_RUNNING)

    def limit_of(self, gate: Path) -> str:
        """The limit for which another job is refused."""
        _, info = refusal(lambda: [self.submit(gate)])
        return str(info.metadata["limit"])


@pytest.fixture
def house(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[House]:
    queued_jobs, unfinished_jobs = request.param
    config = CONFIG.format(queued_jobs=queued_jobs, unfinished_jobs=unfinished_jobs)
    with configured_server(tmp_path / "data", config) as server:
        opened = House(server)
        yield opened
        opened.channel.close()


@pytest.mark.parametrize("house", [(1, 100)], indirect=True)
def test_repeated_request_gets_its_job_where_the_queue_is_full(house: House, gate: Path) -> None:
    first = house.submit(gate)
    wait_until(lambda: house.runs(first.job.job_id))
    queued = house.submit(gate, "once")
    assert house.limit_of(gate) == "limits.queued_jobs"
    again = house.submit(gate, "once")
    assert (again.created, again.job.job_id) == (False, queued.job.job_id)


@pytest.mark.parametrize("house", [(100, 1)], indirect=True)
def test_repeated_request_gets_its_ended_job_where_the_tenant_has_enough(
    house: House, gate: Path, tmp_path: Path
) -> None:
    spec = bell_spec()
    [*_, last] = run(house.jobs, spec, "once")
    house.submit(gate)
    assert house.limit_of(gate) == "quotas.unfinished_jobs"
    answer = house.jobs.SubmitJob(messages.SubmitJobRequest(spec=spec, request_id="once"))
    assert (answer.created, answer.job.job_id) == (False, last.finished.job.job_id)
    spec.options.shots += 1
    _, info = refusal(
        lambda: [house.jobs.SubmitJob(messages.SubmitJobRequest(spec=spec, request_id="once"))]
    )
    assert info.reason == "REQUEST_ID_REUSED"


@pytest.mark.parametrize("house", [(3, 100)], indirect=True)
def test_queue_takes_no_more_than_its_limit_of_those_that_come_at_once(
    house: House, gate: Path
) -> None:
    running = house.submit(gate)
    wait_until(lambda: house.runs(running.job.job_id))

    def code(_number: int) -> grpc.StatusCode:
        try:
            house.submit(gate)
        except grpc.RpcError as error:
            found: grpc.StatusCode = error.code()
            return found
        return grpc.StatusCode.OK

    with ThreadPoolExecutor(NUM_AT_ONCE) as threads:
        codes = Counter(threads.map(code, range(NUM_AT_ONCE)))
    assert codes == {
        grpc.StatusCode.OK: 3,
        grpc.StatusCode.RESOURCE_EXHAUSTED: NUM_AT_ONCE - 3,
    }
