"""The commands ``jobs``, ``job`` and ``cancel``."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from longwire.cli.arguments import AddressOption, JobIdArgument, JsonOption
from longwire.cli.command_error import CommandError, command_error_of
from longwire.cli.session import Session, open_session
from longwire.cli.table import Cell, Column, render_fields, render_table
from longwire.cli.terminal import style, width_columns, write

if TYPE_CHECKING:
    from longwire.v1.job_pb2 import Job
    from longwire.v1.job_service_pb2 import ListJobsRequest

_STATES = ("INITIALIZING", "QUEUED", "VALIDATING", "RUNNING", "CANCELLED", "DONE", "ERROR")


def jobs(
    context: typer.Context,
    backend: Annotated[
        str, typer.Option("--backend", "-b", metavar="NAME", show_default=False, help="Only its.")
    ] = "",
    state: Annotated[
        list[str] | None,
        typer.Option(
            "--state",
            metavar="STATE",
            help="Only jobs in this state: queued, running, done, error, cancelled, ... "
            "Can be repeated.",
        ),
    ] = None,
    tag: Annotated[
        str,
        typer.Option("--tag", metavar="TEXT", show_default=False, help="Only jobs with this tag."),
    ] = "",
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            metavar="TIME",
            help="Only jobs accepted since then: 30m, 2h, 7d, or a date such as 2026-05-01.",
        ),
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", "-n", metavar="N", min=1, help="At most so many.")
    ] = 20,
    address: AddressOption = None,
    as_json: JsonOption = False,
) -> None:
    """List your jobs, the newest first."""
    request = _request(backend, state or [], tag, since)
    with open_session(context, address, as_json=as_json) as session:
        # One more than asked for tells whether there are more.
        found = list(session.jobs.list_jobs(request, limit + 1))
        has_more, found = len(found) > limit, found[:limit]
        if as_json:
            from longwire.cli.documents import job_document

            session.write_json({"jobs": list(map(job_document, found)), "has_more": has_more})
            return
        if not found:
            write("no jobs")
            return
        for line in _job_table(found):
            write(line)
        if has_more:
            write(style(f"there are more than {limit}: --limit shows more", dim=True))


def job(
    context: typer.Context,
    job_id: JobIdArgument,
    address: AddressOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show everything about a job."""
    with open_session(context, address, as_json=as_json) as session:
        from longwire.cli.documents import job_document

        found = session.jobs.get_job(job_id)
        if as_json:
            session.write_json(job_document(found))
            return
        for line in render_fields(_job_fields(found)):
            write(line)


def cancel(
    context: typer.Context,
    job_ids: Annotated[list[str], typer.Argument(metavar="ID...", help="The jobs' ids.")],
    address: AddressOption = None,
    as_json: JsonOption = False,
) -> None:
    """Cancel jobs; the process of a running one is ended.

    Fails where a job is not cancelled after it, because it had ended before.
    """
    with open_session(context, address, as_json=as_json) as session:
        from longwire.cli.documents import job_document

        cancelled: list[Job] = []
        failures: list[CommandError] = []
        for job_id in job_ids:
            try:
                cancelled.append(_cancel(session, job_id))
            except Exception as error:
                failure = command_error_of(error)
                if failure is None:
                    raise
                failures.append(failure)
        if as_json:
            session.write_json({"cancelled": list(map(job_document, cancelled))})
        else:
            for found in cancelled:
                write(f"cancelled {found.job_id}")
        if failures:
            raise CommandError(
                failures[0].reason, "; ".join(failure.message for failure in failures)
            )


def _cancel(session: Session, job_id: str) -> Job:
    from longwire.cli.documents import state_name

    found = session.jobs.cancel_job(job_id)
    if state_name(found) != "CANCELLED":
        raise CommandError(
            "JOB_ENDED", f"Job {job_id} had ended before ({state_name(found)})", job_id=job_id
        )
    return found


def _request(backend: str, states: list[str], tag: str, since: str | None) -> ListJobsRequest:
    from longwire.cli.times import parse_since
    from longwire.v1.job_pb2 import JobState
    from longwire.v1.job_service_pb2 import ListJobsRequest

    request = ListJobsRequest(backend_name=backend, tag=tag)
    for state in states:
        if state.upper() not in _STATES:
            names = ", ".join(_STATES).lower()
            raise typer.BadParameter(
                f"{state!r} is no state: give one of {names}", param_hint="--state"
            )
        request.states.append(JobState.Value(f"JOB_STATE_{state.upper()}"))
    if since is not None:
        try:
            moment = parse_since(since, datetime.datetime.now(datetime.UTC))
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--since") from None
        request.created_after.FromDatetime(moment)
    return request


def _job_table(found: list[Job]) -> list[str]:
    from longwire.cli.documents import running_seconds
    from longwire.cli.times import format_age, format_duration, to_datetime

    now = datetime.datetime.now(datetime.UTC)
    columns = [
        Column("ID"),
        Column("STATE"),
        Column("CREATED", is_number=True),
        Column("RAN", is_number=True),
        Column("BACKEND"),
        Column("NAME"),
    ]
    rows = []
    for one in found:
        ran = running_seconds(one)
        rows.append(
            [
                one.job_id,
                _state_cell(one),
                format_age(to_datetime(one.create_time), now),
                "" if ran is None else format_duration(ran),
                one.backend_name,
                one.name,
            ]
        )
    # Ids are for copying: the line is cut at its end only, in the name.
    return render_table(columns, rows, width=width_columns())


def _job_fields(found: Job) -> list[tuple[str, Cell | str]]:
    from longwire.cli.documents import queued_seconds, running_seconds
    from longwire.cli.times import format_age, format_duration, format_local, to_datetime

    now = datetime.datetime.now(datetime.UTC)
    fields: list[tuple[str, Cell | str]] = [
        ("job", Cell(found.job_id, {"bold": True})),
        ("state", _state_cell(found)),
    ]
    if found.HasField("error"):
        fields.append(("error", found.error.message))
    elif found.status.status_msg:
        fields.append(("message", found.status.status_msg))
    if found.HasField("queue_position"):
        fields.append(("queue position", str(found.queue_position)))
    fields.append(("backend", found.backend_name))
    if found.name:
        fields.append(("name", found.name))
    if found.tags:
        fields.append(("tags", ", ".join(found.tags)))
    for name, moment in (
        ("created", "create_time"),
        ("started", "start_time"),
        ("ended", "end_time"),
    ):
        if found.HasField(moment):
            when = to_datetime(getattr(found, moment))
            fields.append((name, f"{format_local(when)}  ({format_age(when, now)})"))
    for name, seconds in (
        ("queued for", queued_seconds(found)),
        ("ran for", running_seconds(found)),
    ):
        if seconds is not None:
            fields.append((name, format_duration(seconds)))
    if found.attempt > 1:
        fields.append(("attempts", str(found.attempt)))
    if found.result_bytes:
        fields.append(("result", f"{found.result_bytes:,} bytes"))
    return fields


def _state_cell(found: Job) -> Cell:
    from longwire.cli.documents import state_name
    from longwire.cli.progress import describe, state_color

    return Cell(
        describe(found).replace("  position", ", position"), {"fg": state_color(state_name(found))}
    )
