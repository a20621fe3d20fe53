"""The results of a primitive's pubs, one by one."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import scripted_jobs as scripted
from circuits import bell
from qiskit.primitives import PrimitiveResult, SamplerPubResult
from qiskit.primitives.containers import BitArray, DataBin
from qiskit.providers import JobStatus
from same_results import assert_same_primitive_results
from scripted_jobs import BREAK, STAY, ScriptedJobs
from server_process import (
    START_SECONDS,
    ServerProcess,
    configured_server,
    wait_until,
    wait_until_loaded,
)

from longwire import RemotePrimitiveJob, RemoteSampler, RemoteService
from longwire.codecs.primitive_result import encode_primitive_result, encode_pub_result
from longwire.errors import JobCancelledError, JobFailedError
from longwire.events import Finished, Progress, PubFinished, StatusChanged
from longwire.v1.result_pb2 import EncodedResult

Collect = Callable[[Any], list[Any]]

CONFIG = """
[[pool]]
name = "default"
processes = 1

[[backend]]
name = "stepped"
factory = "stepped_backend:SteppedBackend"
"""


def collect_async(items: Any) -> list[Any]:
    """All that ``async for`` gives."""

    async def main() -> list[Any]:
        return [item async for item in items]

    return asyncio.run(main())


@pytest.fixture(params=["for", "async for"])
def collect(request: pytest.FixtureRequest) -> Collect:
    """All that an iterator gives, with ``for`` and with ``async for``."""
    return list if request.param == "for" else collect_async


def pub_result(number: int) -> SamplerPubResult:
    """A result that can be told from others."""
    return SamplerPubResult(DataBin(meas=BitArray.from_samples([number] * 3, 8)), {"shots": 3})


def pub(number: int) -> EncodedResult:
    """The same as it is sent."""
    return encode_pub_result(pub_result(number))


def whole(*numbers: int) -> EncodedResult:
    """A job's result with those of its pubs."""
    return encode_primitive_result(PrimitiveResult(map(pub_result, numbers), {"version": 2}))


def numbers_of(results: list[Any]) -> list[int]:
    """Which results they are."""
    return [int(result.data.meas.get_int_counts().popitem()[0]) for result in results]


@contextlib.contextmanager
def scripted_job(jobs: ScriptedJobs) -> Iterator[RemotePrimitiveJob]:
    """The job of a scripted server."""
    with scripted.serving(jobs) as address, RemoteService(address) as service:
        job = service.job(scripted.JOB_ID)
        assert isinstance(job, RemotePrimitiveJob)
        yield job


def test_pubs_come_in_order_as_they_are_finished_and_the_rest_with_the_result(
    collect: Collect,
) -> None:
    script = [
        scripted.pub_finished(0, pub(10)),
        scripted.pub_finished(1, pub(11)),
        scripted.finished(result=whole(10, 11, 12)),
    ]
    jobs = ScriptedJobs(scripted.job(), script)
    with scripted_job(jobs) as job:
        assert numbers_of(collect(job.partial_results())) == [10, 11, 12]
    assert [request.pub_results for request in jobs.requests] == [True]


def test_pub_is_given_before_the_next_one_is_finished() -> None:
    may_go_on = threading.Event()
    script = [
        scripted.pub_finished(0, pub(10)),
        lambda: may_go_on.wait(START_SECONDS),
        scripted.finished(result=whole(10, 11)),
    ]
    with scripted_job(ScriptedJobs(scripted.job(), script)) as job:
        results = job.partial_results()
        assert numbers_of([next(results)]) == [10]
        may_go_on.set()
        assert numbers_of(list(results)) == [11]


def test_pub_that_is_too_large_to_be_told_comes_with_the_result_and_so_do_those_behind_it(
    collect: Collect,
) -> None:
    script = [
        scripted.pub_finished(0, pub(10)),
        scripted.pub_finished(1, None),
        scripted.pub_finished(2, pub(12)),
        scripted.finished(),
    ]
    jobs = ScriptedJobs(scripted.job(), script, result=whole(10, 11, 12, 13))
    with scripted_job(jobs) as job:
        assert numbers_of(collect(job.partial_results())) == [10, 11, 12, 13]


def test_pubs_that_are_told_again_after_a_break_are_given_once(collect: Collect) -> None:
    first = [scripted.pub_finished(0, pub(10)), scripted.pub_finished(1, pub(11)), BREAK]
    second = [
        scripted.pub_finished(0, pub(10)),
        scripted.pub_finished(1, pub(11)),
        scripted.pub_finished(2, pub(12)),
        scripted.finished(result=whole(10, 11, 12)),
    ]
    with scripted_job(ScriptedJobs(scripted.job(), first, second)) as job:
        assert numbers_of(collect(job.partial_results())) == [10, 11, 12]


def test_pubs_of_an_attempt_after_a_lost_one_are_given_once(collect: Collect) -> None:
    script = [
        scripted.pub_finished(0, pub(10)),
        scripted.pub_finished(1, pub(11)),
        scripted.moved("QUEUED", 4),
        scripted.moved("RUNNING", 6),
        scripted.pub_finished(0, pub(10), attempt=2, sequence=6),
        scripted.pub_finished(1, pub(11), attempt=2, sequence=6),
        scripted.pub_finished(2, pub(12), attempt=2, sequence=6),
        scripted.finished(result=whole(10, 11, 12)),
    ]
    with scripted_job(ScriptedJobs(scripted.job(), script)) as job:
        assert numbers_of(collect(job.partial_results())) == [10, 11, 12]


def test_events_tell_of_pubs_and_attempts_to_who_asks(collect: Collect) -> None:
    script = [
        scripted.pub_finished(0, pub(10)),
        scripted.progressed(1, 2),
        scripted.pub_finished(0, pub(10), attempt=2),
        scripted.pub_finished(1, None, attempt=2),
        scripted.finished(result=whole(10, 11)),
    ]
    with scripted_job(ScriptedJobs(scripted.job(), script)) as job:
        events = collect(job.events(pub_results=True))
    pubs = [event for event in events if isinstance(event, PubFinished)]
    assert [(event.index, event.attempt) for event in pubs] == [(0, 1), (0, 2), (1, 2)]
    assert numbers_of([event.result for event in pubs[:2]]) == [10, 10]
    assert pubs[2].result is None
    others = [event for event in events if not isinstance(event, PubFinished)]
    assert others == [
        StatusChanged(JobStatus.RUNNING),
        Progress(1, 2),
        Finished(JobStatus.DONE),
    ]


@pytest.mark.parametrize(
    ("state", "error", "message"),
    [("ERROR", JobFailedError, "it broke"), ("CANCELLED", JobCancelledError, "cancelled")],
)
def test_job_without_a_result_raises_behind_the_pubs_that_were_finished(
    state: str, error: type[Exception], message: str
) -> None:
    script = [scripted.pub_finished(0, pub(10)), scripted.finished(state, error="it broke")]
    with scripted_job(ScriptedJobs(scripted.job(), script)) as job:
        results = job.partial_results()
        assert numbers_of([next(results)]) == [10]
        with pytest.raises(error, match=message):
            next(results)


def test_leaving_the_loop_ends_the_call() -> None:
    jobs = ScriptedJobs(scripted.job(), [scripted.pub_finished(0, pub(10)), STAY])
    with scripted_job(jobs) as job:
        for _result in job.partial_results():
            break
        assert jobs.ended.wait(START_SECONDS)


def test_cancelled_task_ends_the_call_and_another_goes_on() -> None:
    jobs = ScriptedJobs(
        scripted.job(),
        [scripted.pub_finished(0, pub(10)), STAY],
        [scripted.pub_finished(0, pub(10)), scripted.finished(result=whole(10, 11))],
    )

    async def main(job: RemotePrimitiveJob) -> list[Any]:
        results = job.partial_results()
        first = await anext(results)
        waiting = asyncio.ensure_future(anext(results))
        assert await asyncio.to_thread(jobs.waiting.wait, START_SECONDS)
        waiting.cancel()
        assert await asyncio.to_thread(jobs.ended.wait, START_SECONDS)
        return [first] + [result async for result in results]

    with scripted_job(jobs) as job:
        assert numbers_of(asyncio.run(main(job))) == [10, 11]


@pytest.fixture(scope="module")
def stepped_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with a backend that runs one circuit at a time."""
    with configured_server(tmp_path_factory.mktemp("stepped"), CONFIG) as running:
        wait_until_loaded(running)
        yield running


@pytest.fixture
def service(stepped_server: ServerProcess) -> Iterator[RemoteService]:
    """The way to it."""
    with RemoteService(stepped_server.address) as opened:
        yield opened


@pytest.fixture
def gates(tmp_path: Path) -> Iterator[Path]:
    """The gates of a job's three runs, all open at the latest when the test is over."""
    path = tmp_path / "gates"
    path.mkdir()
    yield path
    open_gates(path, 0, 1, 2)


def open_gates(gates: Path, *numbers: int) -> None:
    """Lets runs begin."""
    for number in numbers:
        (gates / str(number)).touch()


def run_stepped(service: RemoteService, gates: Path) -> RemotePrimitiveJob:
    """A job of three pubs, each behind a gate."""
    sampler = RemoteSampler(service.backend("stepped"), {"run_options": {"gates": str(gates)}})
    return sampler.run([(bell(), None, shots) for shots in (10, 20, 30)])


def test_first_pub_of_a_running_job_comes_before_the_last_is_run(
    service: RemoteService, gates: Path, collect: Collect
) -> None:
    job = run_stepped(service, gates)
    results = job.partial_results()
    open_gates(gates, 0)
    first = next(results)
    assert first.data.c.num_shots == 10
    assert job.running()
    # Who comes later is told from the first one on.
    with RemoteService(service.address) as other:
        found = other.job(job.job_id())
        assert isinstance(found, RemotePrimitiveJob)
        late = found.partial_results()
        assert next(late).data.c.num_shots == 10
        open_gates(gates, 1, 2)
        rest = collect(late)
    together = PrimitiveResult([first, *collect(results)], job.result().metadata)
    assert_same_primitive_results(together, job.result())
    assert [result.data.c.num_shots for result in rest] == [20, 30]


def test_progress_of_a_running_job_counts_its_pubs(service: RemoteService, gates: Path) -> None:
    job = run_stepped(service, gates)
    open_gates(gates, 0)
    for event in job.events():
        if event == Progress(1, 3):
            break
    assert job.progress() == Progress(1, 3)
    assert "1/3" in job._repr_html_()
    open_gates(gates, 1, 2)
    assert len(job.result()) == 3


def test_pubs_of_a_job_that_has_ended_come_from_its_result(
    service: RemoteService, gates: Path, collect: Collect
) -> None:
    job = run_stepped(service, gates)
    open_gates(gates, 0, 1, 2)
    job.wait_for_final_state()
    results = PrimitiveResult(collect(job.partial_results()), job.result().metadata)
    assert_same_primitive_results(results, job.result())


def test_cancel_ends_partial_results(service: RemoteService, gates: Path) -> None:
    job = run_stepped(service, gates)
    wait_until(job.running)
    results = job.partial_results()
    open_gates(gates, 0)
    next(results)
    assert job.cancel()
    with pytest.raises(JobCancelledError):
        next(results)
