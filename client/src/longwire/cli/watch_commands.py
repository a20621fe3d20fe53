"""The commands ``watch`` and ``result``."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from longwire.cli.arguments import (
    AddressOption,
    JobIdArgument,
    JsonOption,
    OutputOption,
    TimeoutOption,
)
from longwire.cli.session import open_session
from longwire.cli.terminal import style, write


def watch(
    context: typer.Context,
    job_id: JobIdArgument,
    timeout: TimeoutOption = None,
    address: AddressOption = None,
    as_json: JsonOption = False,
) -> None:
    """Follow a job until it has ended.

    The exit code is 0 where it is done, 3 where it failed, 4 where it was cancelled.
    """
    with open_session(context, address, as_json=as_json) as session:
        from longwire.cli.documents import job_document
        from longwire.cli.following import FollowedJob, interruptible
        from longwire.cli.progress import progress_on
        from longwire.cli.report import elapsed

        with interruptible(session, job_id):
            followed = FollowedJob(session, session.jobs.get_job(job_id))
            with progress_on(sys.stdout, silent=as_json, keeps_changes=True) as progress:
                followed.wait(timeout, progress)
            if as_json:
                session.write_json({"job": job_document(followed.job), "events": followed.events})
            else:
                write(style(elapsed(followed.job), dim=True))
            followed.raise_unless_done()


def result(
    context: typer.Context,
    job_id: JobIdArgument,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Wait for the job's end, or do not.")
    ] = True,
    timeout: TimeoutOption = None,
    output: OutputOption = None,
    address: AddressOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the result of a job, as run does; waits for it."""
    with open_session(context, address, as_json=as_json) as session:
        from longwire.cli.following import FollowedJob, interruptible
        from longwire.cli.output_file import check_output
        from longwire.cli.progress import progress_on
        from longwire.cli.report import report_result

        check_output(output)
        with interruptible(session, job_id):
            followed = FollowedJob(session, session.jobs.get_job(job_id))
            if wait and not followed.is_final:
                with progress_on(sys.stderr, silent=as_json) as progress:
                    followed.wait(timeout, progress)
            report_result(followed, output)
