"""The commands ``watch`` and ``result``."""

from __future__ import annotations

import argparse
import sys

from longwire.cli.following import WatchedJob, interruptible, pause_message
from longwire.cli.output_file import check_output, check_output_of
from longwire.cli.progress import progress_on
from longwire.cli.report import elapsed, report_result
from longwire.cli.session import Session
from longwire.cli.terminal import style, write, write_error


def watch(session: Session, arguments: argparse.Namespace) -> None:
    """Follows a job until it has ended."""
    with interruptible(session, arguments.job_id):
        followed = WatchedJob.find(session, arguments.job_id, arguments.timeout)
        _tell_of_pause(session, followed)
        with progress_on(
            sys.stdout, silent=session.as_json, keeps_changes=True, is_replay=True
        ) as progress:
            followed.wait(progress)
        if session.as_json:
            from longwire.cli.documents import job_document

            session.write_json({"job": job_document(followed.job), "events": followed.events})
        else:
            write(style(elapsed(followed.job), "dim"))
        followed.raise_unless_done()


def result(session: Session, arguments: argparse.Namespace) -> None:
    """Shows the result of a job, as run does; waits for it."""
    check_output(arguments.output)
    with interruptible(session, arguments.job_id):
        followed = WatchedJob.find(session, arguments.job_id, arguments.timeout)
        check_output_of(arguments.output, followed.job)
        if arguments.waits and not followed.is_final:
            _tell_of_pause(session, followed)
            with progress_on(sys.stderr, silent=session.as_json, is_replay=True) as progress:
                followed.wait(progress)
        report_result(followed, arguments.output)


def _tell_of_pause(session: Session, followed: WatchedJob) -> None:
    """Says that a job waits for a backend that is paused."""
    if not session.as_json and (message := pause_message(session, followed.job)):
        write_error(style(f"{followed.job.backend_name} is {message}", "dim"))
