"""The commands ``jobs``, ``job``, ``cancel``, ``label`` and ``delete``."""

from __future__ import annotations

import argparse
import datetime
from collections.abc import Callable, Sequence
from typing import TypeVar

from longwire.cli.command_error import CommandError, command_error_of
from longwire.cli.documents import (
    job_document,
    kind_name,
    queued_seconds,
    running_seconds,
    state_name,
)
from longwire.cli.following import pause_message
from longwire.cli.progress import state_color
from longwire.cli.session import Session
from longwire.cli.table import Cell, Column, render_fields, render_table
from longwire.cli.terminal import style, table_width_columns, write
from longwire.cli.times import (
    format_age,
    format_clock,
    format_duration,
    format_local,
    is_soon,
    to_datetime,
)
from longwire.v1.job_pb2 import Job, JobState
from longwire.v1.job_service_pb2 import JobTags, ListJobsRequest, UpdateJobRequest

DoneT = TypeVar("DoneT")


def jobs(session: Session, arguments: argparse.Namespace) -> None:
    """Lists jobs, the newest first."""
    request = ListJobsRequest(
        backend_name=arguments.backend,
        tag=arguments.tag,
        name=arguments.name,
        tenant=arguments.tenant,
        all_tenants=arguments.all_tenants,
    )
    request.states.extend(JobState.Value(f"JOB_STATE_{name}") for name in arguments.states)
    if arguments.since is not None:
        request.created_after.FromDatetime(arguments.since)
    if arguments.until is not None:
        request.created_before.FromDatetime(arguments.until)
    limit = arguments.limit
    # One more than asked for tells whether there are more.
    found = list(session.jobs.list_jobs(request, None if limit is None else limit + 1))
    has_more = limit is not None and len(found) > limit
    found = found[:limit]
    if session.as_json:
        session.write_json({"jobs": list(map(job_document, found)), "has_more": has_more})
        return
    lines = _job_table(found, with_tenants=arguments.all_tenants) if found else ["no jobs"]
    for line in lines:
        write(line)
    if has_more:
        write(style(f"and more: --limit {limit} is reached", "dim"))


def job(session: Session, arguments: argparse.Namespace) -> None:
    """Shows everything about a job."""
    found = session.jobs.get_job(arguments.job_id)
    if session.as_json:
        session.write_json(job_document(found))
        return
    fields = _job_fields(found)
    if message := pause_message(session, found):
        fields.append(("waits because", f"{found.backend_name} is {message}"))
    for line in render_fields(fields):
        write(line)


def cancel(session: Session, arguments: argparse.Namespace) -> None:
    """Cancels jobs; each is tried, whatever becomes of the others."""
    cancelled, failures = _each(arguments.job_ids, lambda job_id: _cancel(session, job_id))
    if session.as_json:
        session.write_json({"cancelled": list(map(job_document, cancelled))})
    else:
        for found in cancelled:
            write(f"cancelled {found.job_id}")
    _raise_all(failures)


def label(session: Session, arguments: argparse.Namespace) -> None:
    """Changes the name, the tags or the priority of a job."""
    request = UpdateJobRequest(
        job_id=arguments.job_id,
        name=arguments.name,
        tags=None if arguments.tags is None else JobTags(tags=arguments.tags),
        add_tags=arguments.add_tags,
        remove_tags=arguments.remove_tags,
        priority=arguments.priority,
    )
    if request == UpdateJobRequest(job_id=arguments.job_id):
        arguments.parser.error(
            "nothing is to change: give --name, --tag, --no-tags, --add-tag, --remove-tag or "
            "--priority"
        )
    found = session.jobs.update_job(request)
    if session.as_json:
        session.write_json(job_document(found))
        return
    fields: list[tuple[str, Cell | str]] = [("job", Cell(found.job_id, ("bold",)))]
    fields += _label_fields(found)
    if found.priority or arguments.priority is not None:
        fields.append(("priority", str(found.priority)))
    for line in render_fields(fields):
        write(line)


def delete(session: Session, arguments: argparse.Namespace) -> None:
    """Deletes jobs that have ended; each is tried, whatever becomes of the others."""
    deleted, failures = _each(arguments.job_ids, lambda job_id: _delete(session, job_id))
    if session.as_json:
        session.write_json({"deleted": deleted})
    else:
        for job_id in deleted:
            write(f"deleted {job_id}")
    _raise_all(failures)


def _each(
    job_ids: Sequence[str], act: Callable[[str], DoneT]
) -> tuple[list[DoneT], list[CommandError]]:
    """What came of every job for which something could be done, and the errors of the others."""
    done: list[DoneT] = []
    failures: list[CommandError] = []
    for job_id in job_ids:
        try:
            done.append(act(job_id))
        except Exception as error:
            failure = command_error_of(error)
            if failure is None:
                raise
            failures.append(failure)
    return done, failures


def _raise_all(failures: Sequence[CommandError]) -> None:
    """Ends a command for several jobs with the errors of those that failed."""
    if failures:
        raise CommandError(
            failures[0].reason,
            "; ".join(failure.message for failure in failures),
            job_id=failures[0].job_id if len(failures) == 1 else "",
            hints=failures[0].hints,
        )


def _cancel(session: Session, job_id: str) -> Job:
    found = session.jobs.cancel_job(job_id)
    if found.status.status != JobState.JOB_STATE_CANCELLED:
        raise CommandError(
            "JOB_ENDED", f"Job {job_id} had ended before ({state_name(found)})", job_id=job_id
        )
    return found


def _delete(session: Session, job_id: str) -> str:
    session.jobs.delete_job(job_id)
    return job_id


def _job_table(found: list[Job], *, with_tenants: bool = False) -> list[str]:
    now = datetime.datetime.now(datetime.UTC)
    columns = [
        Column("ID"),
        Column("STATE"),
        Column("KIND"),
        Column("CREATED", is_number=True),
        Column("BACKEND"),
    ]
    if with_tenants:
        columns.append(Column("TENANT"))
    has_names = any(one.name for one in found)
    if has_names:
        columns.append(Column("NAME"))
    rows: list[list[Cell | str]] = []
    for one in found:
        state = state_name(one)
        if one.HasField("queue_position"):
            state += f" #{one.queue_position}"
        if one.HasField("estimated_start_time"):
            start = to_datetime(one.estimated_start_time)
            state += " ~soon" if is_soon(start) else f" ~{format_clock(start)}"
        if one.HasField("progress"):
            state += f" {one.progress.finished}/{one.progress.total}"
        created = format_age(to_datetime(one.create_time), now)
        row: list[Cell | str] = [
            one.job_id,
            _state_cell(one, state),
            kind_name(one),
            created,
            one.backend_name,
        ]
        if with_tenants:
            row.append(one.tenant)
        rows.append([*row, one.name] if has_names else row)
    # Ids are for copying: a line is cut at its end only.
    return render_table(columns, rows, width=table_width_columns())


def _job_fields(found: Job) -> list[tuple[str, Cell | str]]:
    now = datetime.datetime.now(datetime.UTC)
    fields: list[tuple[str, Cell | str]] = [
        ("job", Cell(found.job_id, ("bold",))),
        ("state", _state_cell(found, state_name(found))),
    ]
    if found.HasField("error"):
        fields.append(("error", found.error.message))
    elif found.status.status_msg:
        fields.append(("message", found.status.status_msg))
    if found.HasField("queue_position"):
        fields.append(("queue position", str(found.queue_position)))
    if found.HasField("estimated_start_time"):
        start = to_datetime(found.estimated_start_time)
        left = format_duration((start - now).total_seconds())
        told = "soon" if is_soon(start) else f"{format_local(start)}  (in {left})"
        fields.append(("may begin", told))
    if found.HasField("progress"):
        parts = "circuits" if kind_name(found) == "circuits" else "pubs"
        how_far = f"{found.progress.finished} of {found.progress.total} {parts}"
        fields.append(("progress", how_far))
    fields.append(("kind", kind_name(found)))
    fields.append(("backend", found.backend_name))
    fields += _label_fields(found)
    fields += [
        (name, str(value))
        for name, value in (
            ("tenant", found.tenant),
            ("submitter", found.submitter),
            ("priority", found.priority),
            ("batch", found.batch),
            ("session", found.session_id),
        )
        if value
    ]
    moments = {
        "created": found.create_time if found.HasField("create_time") else None,
        "started": found.start_time if found.HasField("start_time") else None,
        "ended": found.end_time if found.HasField("end_time") else None,
    }
    for name, moment in moments.items():
        if moment is not None:
            when = to_datetime(moment)
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
    elif found.status.status == JobState.JOB_STATE_DONE:
        fields.append(("result", "removed: the server keeps results for a time"))
    return fields


def _label_fields(found: Job) -> list[tuple[str, Cell | str]]:
    fields: list[tuple[str, Cell | str]] = []
    if found.name:
        fields.append(("name", found.name))
    if found.tags:
        fields.append(("tags", ", ".join(found.tags)))
    return fields


def _state_cell(found: Job, text: str) -> Cell:
    return Cell(text, (state_color(state_name(found)),))
