"""What a reader of a job's events hears of a server that is away."""

from __future__ import annotations

import pytest
import scripted_jobs as scripted
from scripted_jobs import BREAK, ScriptedJobs

from longwire.transport import job_stream
from longwire.transport.connection import Connection
from longwire.transport.job_calls import JobCalls
from longwire.transport.job_stream import JobStream


def notices(jobs: ScriptedJobs) -> int:
    """How often a reader is told that the server is away, until the job has ended."""
    told: list[None] = []
    with scripted.serving(jobs) as address:
        connection = Connection(address)
        stream = JobStream(JobCalls(connection), scripted.JOB_ID)
        stream.on_away = lambda: told.append(None)
        while stream.next_event().WhichOneof("event") != "finished":
            pass
        connection.close()
    return len(told)


def test_server_that_is_away_for_long_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    # Less than the pauses between the five attempts come to.
    monkeypatch.setattr(job_stream, "_AWAY_SECONDS", 0.1)
    assert notices(ScriptedJobs(scripted.job(), *[[BREAK]] * 5, [scripted.finished()])) == 1


def test_connection_that_is_back_at_once_is_not_told() -> None:
    steps = [scripted.moved("RUNNING", 3), BREAK]
    assert notices(ScriptedJobs(scripted.job(), steps, [scripted.finished()])) == 0
