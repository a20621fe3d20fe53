"""What a reader of a job's events hears of a server that is away."""

from __future__ import annotations

import logging

import pytest
import scripted_jobs as scripted
from scripted_jobs import BREAK, ScriptedJobs

from longwire.transport import outage
from longwire.transport.connection import Connection
from longwire.transport.job_calls import JobCalls
from longwire.transport.job_stream import JobStream


def read_to_the_end(jobs: ScriptedJobs) -> None:
    """Reads the job's events to the end, over one connection."""
    with scripted.serving(jobs) as address:
        connection = Connection(address)
        stream = JobStream(JobCalls(connection), scripted.JOB_ID)
        while stream.next_event().WhichOneof("event") != "finished":
            pass
        connection.close()


def told(caplog: pytest.LogCaptureFixture) -> list[int]:
    """The levels of what the logger ``longwire`` has said."""
    return [record.levelno for record in caplog.records if record.name == "longwire"]


def test_server_that_is_away_for_long_is_told_once_and_its_return_too(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    # Less than the pauses between the five attempts come to.
    monkeypatch.setattr(outage, "AWAY_SECONDS", 0.1)
    caplog.set_level(logging.INFO, "longwire")
    read_to_the_end(ScriptedJobs(scripted.job(), *[[BREAK]] * 5, [scripted.finished()]))
    assert told(caplog) == [logging.WARNING, logging.INFO]


def test_connection_that_is_back_at_once_is_not_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "longwire")
    steps = [scripted.moved("RUNNING", 3), BREAK]
    read_to_the_end(ScriptedJobs(scripted.job(), steps, [scripted.finished()]))
    assert told(caplog) == []


def test_reader_who_skims_hears_of_the_end_alone_where_it_came_along() -> None:
    alone, together = [scripted.moved("QUEUED", 2)], [scripted.moved("RUNNING", 3)]
    jobs = ScriptedJobs(scripted.job(), [alone, [*together, *together, scripted.finished()]])
    with scripted.serving(jobs) as address:
        connection = Connection(address)
        for skims, heard in ((False, [2, 3, 3, 9]), (True, [2, 9])):
            stream = JobStream(JobCalls(connection), scripted.JOB_ID)
            assert [stream.next_event(skims=skims).sequence for _ in heard] == heard
        connection.close()
