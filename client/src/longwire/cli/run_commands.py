"""The commands ``run`` and ``submit``."""

from __future__ import annotations

import argparse
import sys
import uuid
from typing import TYPE_CHECKING

from longwire.cli.command_error import CommandError, ExitCode
from longwire.cli.program_file import read_program
from longwire.cli.request import Transpilation, choose_backend, find_backend, job_spec
from longwire.cli.session import Session
from longwire.cli.terminal import style, write, write_error
from longwire.cli.values import merge_options
from longwire.transport.job_stream import JobStream
from longwire.v1.job_service_pb2 import RunJobRequest

# Refusals after which the user may wonder.
_NOTHING_RECORDED = ("SERVER_DRAINING", "SERVER_UNREACHABLE")

if TYPE_CHECKING:
    from longwire.v1.backend_pb2 import Backend
    from longwire.v1.job_pb2 import Job


def run(session: Session, arguments: argparse.Namespace) -> None:
    """Runs circuits, waits for them, and shows a histogram of each."""
    from longwire.cli.following import WatchedJob, interruptible
    from longwire.cli.output_file import check_output
    from longwire.cli.progress import progress_on
    from longwire.cli.report import report_result

    check_output(arguments.output)
    stream, job = _submit(session, arguments)
    with interruptible(session, job.job_id):
        if not session.as_json:
            write_error(style(f"job {job.job_id} on {job.backend_name}", "dim"))
        followed = WatchedJob(session, job, stream, arguments.timeout)
        with progress_on(sys.stderr, silent=session.as_json) as progress:
            followed.wait(progress)
        report_result(followed, arguments.output)


def submit(session: Session, arguments: argparse.Namespace) -> None:
    """Submits circuits, and writes the job's id alone."""
    stream, job = _submit(session, arguments)
    stream.close()
    if session.as_json:
        from longwire.cli.documents import job_document

        session.write_json(job_document(job))
    else:
        write(job.job_id)


def _submit(session: Session, arguments: argparse.Namespace) -> tuple[JobStream, Job]:
    """Submits a job; it is durable when this returns."""
    options = merge_options(
        {
            "shots": arguments.shots,
            "seed_simulator": arguments.seed,
            "memory": arguments.memory or None,
        },
        arguments.assignments,
    )
    transpilation = Transpilation(
        arguments.transpile, arguments.optimization_level, arguments.seed_transpiler
    )
    program = read_program(arguments.files)
    spec = job_spec(program, _backend(session, arguments.backend), options, transpilation)
    spec.name = arguments.name
    spec.tags.extend(arguments.tags)
    spec.priority = arguments.priority or 0
    spec.batch = arguments.batch
    if arguments.max_run_seconds is not None:
        spec.max_run_seconds = arguments.max_run_seconds
    if arguments.max_queue_seconds is not None:
        spec.max_queue_seconds = arguments.max_queue_seconds
    # The key makes it safe to send the request again when the answer is lost.
    request = RunJobRequest(spec=spec, request_id=uuid.uuid4().hex)
    try:
        stream, event = JobStream.run(session.jobs, request)
    except CommandError as error:
        raise _with_what_became_of_it(session, error) from None
    except KeyboardInterrupt:
        raise CommandError(
            "INTERRUPTED",
            "Interrupted before the server confirmed the job; it may have been accepted",
            ExitCode.INTERRUPTED,
            hints=[("see whether it was:", session.command("jobs"))],
        ) from None
    return stream, event.accepted.job


def _backend(session: Session, name: str | None) -> Backend:
    """The backend of this name, or the one to take where none is named."""
    listed = session.backends.list_backends()
    if name is not None:
        backend = find_backend(listed, name)
        if not session.as_json and backend.paused:
            write_error(style(f"{name} is {backend.status.status_msg}", "dim"))
        return backend
    backend = choose_backend(listed)
    if not session.as_json:
        kind = "simulator" if backend.simulator else "backend"
        taken = f"taking {backend.name}, the least busy {kind} (--backend names another)"
        write_error(style(taken, "dim"))
    return backend


def _with_what_became_of_it(session: Session, error: CommandError) -> CommandError:
    """The error of a submission, with whether the job was recorded."""
    # What is not known of a submission is a note of its error.
    if getattr(error, "__notes__", ()):
        return CommandError(
            error.reason,
            "The server has not confirmed the job: the connection broke, or its store failed, in "
            "the middle of it, and whether the job was recorded is not known",
            hints=[("see whether it was:", session.command("jobs"))],
        )
    if error.reason in _NOTHING_RECORDED:
        message = f"{error.message}. The job was not recorded"
        return CommandError(error.reason, message, hints=error.hints)
    return error
