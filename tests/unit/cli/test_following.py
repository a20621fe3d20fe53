"""What a command that waits for a job tells of its changes."""

from __future__ import annotations

import io

import scripted_jobs as scripted
from scripted_jobs import BREAK, ScriptedJobs

from longwire.cli.following import WatchedJob
from longwire.cli.progress import LineProgress
from longwire.cli.session import open_session


def test_state_that_is_told_again_after_a_break_is_shown_once() -> None:
    record = scripted.job("QUEUED", 1)
    waiting = [scripted.moved("QUEUED", 1), scripted.queued(2)]
    jobs = ScriptedJobs(record, [*waiting, BREAK], [*waiting, scripted.finished()])
    output = io.StringIO()
    with scripted.serving(jobs) as address, open_session(address, as_json=False) as session:
        followed = WatchedJob(session, session.jobs.get_job(scripted.JOB_ID))
        followed.wait(LineProgress(output))
    assert len(jobs.requests) == 2
    shown = [line.split("  ", 1)[1] for line in output.getvalue().splitlines()]
    assert shown == ["QUEUED", "QUEUED  position 2", "DONE"]
    assert [event["state"] for event in followed.events] == ["QUEUED", "QUEUED", "DONE"]
