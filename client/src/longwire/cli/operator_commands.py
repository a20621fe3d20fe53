"""The commands for operators: ``pause``, ``resume``, ``set-message``, ``move``, ``drain``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from longwire.cli.calls import CommandAdminCalls
from longwire.cli.documents import job_document, status_document
from longwire.cli.session import Session
from longwire.cli.terminal import write

if TYPE_CHECKING:
    from longwire.v1.backend_status_pb2 import BackendStatus


def pause(session: Session, arguments: argparse.Namespace) -> None:
    """Begins no more jobs on a backend."""
    calls = CommandAdminCalls(session.connection)
    _tell(session, calls.pause_backend(arguments.backend), "paused")


def resume(session: Session, arguments: argparse.Namespace) -> None:
    """Begins jobs on a backend again."""
    calls = CommandAdminCalls(session.connection)
    _tell(session, calls.resume_backend(arguments.backend), "resumed")


def set_message(session: Session, arguments: argparse.Namespace) -> None:
    """Sets what a backend's status tells."""
    calls = CommandAdminCalls(session.connection)
    status = calls.set_status_message(arguments.backend, arguments.text)
    _tell(session, status, "message of")


def move(session: Session, arguments: argparse.Namespace) -> None:
    """Puts a queued job in front of all others."""
    job = CommandAdminCalls(session.connection).move_job_to_front(arguments.job_id)
    if session.as_json:
        session.write_json(job_document(job))
    else:
        write(f"moved {job.job_id} to the front")


def drain(session: Session, _arguments: argparse.Namespace) -> None:
    """Has the server end as a SIGTERM does."""
    CommandAdminCalls(session.connection).drain_server()
    if session.as_json:
        session.write_json({"draining": session.address})
    else:
        write(f"{session.address} drains: it ends when its running jobs have")


def _tell(session: Session, status: BackendStatus, what: str) -> None:
    if session.as_json:
        session.write_json(status_document(status))
    else:
        write(f"{what} {status.backend_name}: {status.status_msg or 'no message'}")
