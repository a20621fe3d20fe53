"""The commands ``run`` and ``submit``."""

from __future__ import annotations

import sys
import uuid
from typing import TYPE_CHECKING

import typer

from longwire.cli.arguments import (
    AddressOption,
    BackendOption,
    BackendOptionsOption,
    FilesArgument,
    JsonOption,
    MemoryOption,
    NameOption,
    OutputOption,
    SeedOption,
    ShotsOption,
    TagsOption,
    TimeoutOption,
)
from longwire.cli.command_error import CommandError, ExitCode
from longwire.cli.run_option import parse_options
from longwire.cli.session import Session, open_session
from longwire.cli.terminal import style, write, write_error

if TYPE_CHECKING:
    from longwire.cli.request import Order
    from longwire.transport.job_stream import JobStream
    from longwire.v1.job_pb2 import Job


def run(
    context: typer.Context,
    files: FilesArgument,
    backend: BackendOption = None,
    shots: ShotsOption = None,
    seed: SeedOption = None,
    memory: MemoryOption = False,
    option: BackendOptionsOption = None,
    name: NameOption = "",
    tag: TagsOption = None,
    timeout: TimeoutOption = None,
    output: OutputOption = None,
    address: AddressOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run circuits, wait for them, and show a histogram of each.

    Ctrl-C stops the waiting, not the job.
    """
    options = parse_options(
        option or (),
        {"shots": shots, "seed_simulator": seed, "memory": memory or None},
    )
    with open_session(context, address, as_json=as_json) as session:
        from longwire.cli.following import FollowedJob, interruptible
        from longwire.cli.output_file import check_output
        from longwire.cli.progress import progress_on
        from longwire.cli.report import report_result
        from longwire.cli.request import Order

        check_output(output)
        stream, job = _submit(session, Order(files, backend, options, name, tag or ()))
        with interruptible(session, job.job_id):
            if not as_json:
                write_error(style(f"job {job.job_id} on {job.backend_name}", dim=True))
            followed = FollowedJob(session, job, stream)
            with progress_on(sys.stderr, silent=as_json) as progress:
                followed.wait(timeout, progress)
            report_result(followed, output)


def submit(
    context: typer.Context,
    files: FilesArgument,
    backend: BackendOption = None,
    shots: ShotsOption = None,
    seed: SeedOption = None,
    memory: MemoryOption = False,
    option: BackendOptionsOption = None,
    name: NameOption = "",
    tag: TagsOption = None,
    address: AddressOption = None,
    as_json: JsonOption = False,
) -> None:
    """Submit circuits without waiting, and print the job's id alone."""
    options = parse_options(
        option or (),
        {"shots": shots, "seed_simulator": seed, "memory": memory or None},
    )
    with open_session(context, address, as_json=as_json) as session:
        from longwire.cli.request import Order

        stream, job = _submit(session, Order(files, backend, options, name, tag or ()))
        stream.close()
        if as_json:
            from longwire.cli.documents import job_document

            session.write_json(job_document(job))
        else:
            write(job.job_id)


def _submit(session: Session, order: Order) -> tuple[JobStream, Job]:
    """Submits a job; it is durable when this returns."""
    from longwire.cli.program_file import read_program
    from longwire.cli.request import choose_backend, find_backend, job_spec
    from longwire.transport.job_stream import JobStream
    from longwire.v1.job_service_pb2 import RunJobRequest

    program = read_program(order.paths)
    listed = session.backends.list_backends()
    if order.backend_name is not None:
        backend = find_backend(listed, order.backend_name)
    else:
        backend = choose_backend(listed)
        if not session.as_json:
            kind = "simulator" if backend.simulator else "backend"
            write_error(
                style(
                    f"no --backend was named: taking {backend.name}, the first operational {kind}",
                    dim=True,
                )
            )
    # The key makes it safe to send the request again when the answer is lost.
    request = RunJobRequest(spec=job_spec(order, program, backend), request_id=uuid.uuid4().hex)
    try:
        stream, event = JobStream.run(session.jobs, request)
    except KeyboardInterrupt:
        raise CommandError(
            "INTERRUPTED",
            "Interrupted before the server confirmed the job; it may have been accepted",
            ExitCode.INTERRUPTED,
            hints=[("see whether it was:", session.command("jobs"))],
        ) from None
    return stream, event.accepted.job
