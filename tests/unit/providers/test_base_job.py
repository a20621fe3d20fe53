"""BaseJob waits without sleeping longer than it must."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from qiskit.providers import JobStatus, JobTimeoutError as QiskitJobTimeoutError, JobV1

from longwire.errors import JobTimeoutError
from longwire.providers import BaseJob

FINAL = [JobStatus.DONE, JobStatus.CANCELLED, JobStatus.ERROR]


class ScriptedJob(BaseJob):
    """A job that goes through states, one a query, and stays in the last."""

    def __init__(self, *states: JobStatus) -> None:
        super().__init__("backend", "job-7", shots=5)
        self._states: Iterator[JobStatus] = iter(states)
        self._state = JobStatus.INITIALIZING

    def submit(self) -> None:
        raise NotImplementedError

    def result(self) -> Any:
        raise NotImplementedError

    def cancel(self) -> Any:
        raise NotImplementedError

    def status(self) -> JobStatus:
        self._state = next(self._states, self._state)
        return self._state


class BothJob(ScriptedJob, JobV1):
    """A job of the classic interface and of Qiskit 2's."""


@pytest.fixture
def sleeps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Stands in for the clock: sleeping takes no time, and moves it."""
    taken: list[float] = []
    monkeypatch.setattr(time, "monotonic", lambda: 1000.0 + sum(taken))
    monkeypatch.setattr(time, "sleep", taken.append)
    return taken


def test_base_job_knows_its_id_backend_and_metadata() -> None:
    job = ScriptedJob()
    assert (job.job_id(), job.backend(), job.metadata) == ("job-7", "backend", {"shots": 5})


@pytest.mark.parametrize("state", list(JobStatus))
def test_predicates_of_a_job_follow_its_state(state: JobStatus) -> None:
    job = ScriptedJob(state)
    assert job.done() == (state is JobStatus.DONE)
    assert job.running() == (state is JobStatus.RUNNING)
    assert job.cancelled() == (state is JobStatus.CANCELLED)
    assert job.in_final_state() == (state in FINAL)


@pytest.mark.parametrize("final", FINAL)
def test_wait_calls_back_for_every_query_and_for_the_final_state(
    final: JobStatus, sleeps: list[float]
) -> None:
    seen: list[tuple[str, JobStatus, Any]] = []
    job = ScriptedJob(JobStatus.QUEUED, JobStatus.RUNNING, final)
    job.wait_for_final_state(callback=lambda *arguments: seen.append(arguments))
    assert seen == [
        ("job-7", JobStatus.QUEUED, job),
        ("job-7", JobStatus.RUNNING, job),
        ("job-7", final, job),
    ]


def test_wait_for_a_finished_job_does_not_sleep(sleeps: list[float]) -> None:
    ScriptedJob(JobStatus.DONE).wait_for_final_state(timeout=0)
    assert sleeps == []


def test_wait_for_a_short_job_sleeps_less_than_the_longest_pause(sleeps: list[float]) -> None:
    ScriptedJob(JobStatus.RUNNING, JobStatus.RUNNING, JobStatus.DONE).wait_for_final_state(wait=5)
    assert 0 < sum(sleeps) < 0.1


def test_wait_for_a_long_job_never_pauses_longer_than_asked(sleeps: list[float]) -> None:
    ScriptedJob(*[JobStatus.RUNNING] * 20, JobStatus.DONE).wait_for_final_state(wait=2)
    assert max(sleeps) == 2


def test_wait_that_times_out_ends_on_the_deadline_and_says_so(sleeps: list[float]) -> None:
    with pytest.raises(JobTimeoutError, match="job-7 is RUNNING and did not end within 7 s"):
        ScriptedJob(JobStatus.RUNNING).wait_for_final_state(timeout=7, wait=5)
    assert sum(sleeps) == pytest.approx(7)


def test_wait_looks_at_the_state_once_more_at_the_deadline(sleeps: list[float]) -> None:
    seen: list[JobStatus] = []
    job = ScriptedJob(JobStatus.RUNNING, JobStatus.DONE)
    job.wait_for_final_state(timeout=0.001, callback=lambda _id, state, _job: seen.append(state))
    assert seen == [JobStatus.RUNNING, JobStatus.DONE]


def test_wait_that_times_out_raises_what_old_code_catches(sleeps: list[float]) -> None:
    with pytest.raises(QiskitJobTimeoutError):
        ScriptedJob(JobStatus.QUEUED).wait_for_final_state(timeout=0)


def test_wait_ignores_a_wall_clock_that_jumps(
    monkeypatch: pytest.MonkeyPatch, sleeps: list[float]
) -> None:
    monkeypatch.setattr(time, "time", lambda: 1e12 * len(sleeps))
    ScriptedJob(JobStatus.RUNNING, JobStatus.DONE).wait_for_final_state(timeout=60)


def test_job_of_both_interfaces_is_a_job_to_qiskit() -> None:
    job = BothJob(JobStatus.DONE)
    assert isinstance(job, JobV1)
    assert job.backend() == "backend"
    assert job.done()
    assert type(job).wait_for_final_state is BaseJob.wait_for_final_state


def test_base_job_without_its_methods_cannot_be_made() -> None:
    class Lame(BaseJob):
        pass

    with pytest.raises(TypeError, match=r"cancel.*result.*status.*submit"):
        Lame("backend", "id")  # type: ignore[abstract]
