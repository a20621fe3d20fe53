"""The commands ``backends`` and ``status``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from longwire.cli.session import Session
from longwire.cli.table import Cell, Column, render_fields, render_table
from longwire.cli.terminal import table_width_columns, write

if TYPE_CHECKING:
    from longwire.v1.backend_pb2 import Backend


def backends(session: Session, _arguments: argparse.Namespace) -> None:
    """Lists the backends of the server: what they are."""
    found = session.backends.list_backends()
    if session.as_json:
        from longwire.cli.documents import backend_document

        documents = list(map(backend_document, found))
        session.write_json({"address": session.address, "backends": documents})
        return
    _write_lines(session, _backend_table(found))


def status(session: Session, arguments: argparse.Namespace) -> None:
    """Shows how the backends are: whether they can run jobs, and how many wait."""
    found = session.backends.list_backends()
    name = arguments.backend
    if name is not None:
        from longwire.cli.request import find_backend

        found = [find_backend(found, name)]
    if session.as_json:
        from longwire.cli.documents import status_document

        documents = [status_document(backend.status) for backend in found]
        session.write_json(
            {"address": session.address, "backends": documents} if name is None else documents[0]
        )
        return
    _write_lines(session, _status_table(found) if name is None else _status_fields(found[0]))


def _write_lines(session: Session, lines: list[str]) -> None:
    for line in lines or [f"{session.address} hosts no backend"]:
        write(line)


def _backend_table(found: list[Backend]) -> list[str]:
    if not found:
        return []
    columns = [
        Column("NAME"),
        Column("QUBITS", is_number=True),
        Column("KIND"),
        Column("MAX SHOTS", is_number=True),
        Column("DESCRIPTION"),
    ]
    rows: list[list[Cell | str]] = [
        [
            Cell(backend.name, ("bold",)),
            str(backend.num_qubits) if backend.HasField("num_qubits") else "any",
            "simulator" if backend.simulator else "device",
            f"{backend.max_shots:,}" if backend.HasField("max_shots") else "any",
            _description(backend),
        ]
        for backend in found
    ]
    return render_table(columns, rows, width=table_width_columns())


def _status_table(found: list[Backend]) -> list[str]:
    if not found:
        return []
    columns = [
        Column("NAME"),
        Column("STATUS"),
        Column("WAITING", is_number=True),
        Column("VERSION"),
        Column("MESSAGE"),
    ]
    rows: list[list[Cell | str]] = [
        [
            Cell(backend.name, ("bold",)),
            _operational(backend),
            str(backend.status.pending_jobs),
            backend.status.backend_version,
            backend.status.status_msg,
        ]
        for backend in found
    ]
    return render_table(columns, rows, width=table_width_columns())


def _status_fields(backend: Backend) -> list[str]:
    status = backend.status
    version = status.backend_version
    if backend.reported_version != version:
        version += f" (its own: {backend.reported_version or 'none'})"
    return render_fields(
        [
            ("backend", Cell(status.backend_name, ("bold",))),
            ("status", _operational(backend)),
            ("waiting jobs", str(status.pending_jobs)),
            ("version", version),
            ("message", status.status_msg or "none"),
        ]
    )


def _operational(backend: Backend) -> Cell:
    if backend.status.operational:
        return Cell("operational", ("green",))
    return Cell("down", ("red",))


def _description(backend: Backend) -> str | Cell:
    if backend.status.operational:
        return backend.description
    return Cell(f"down: {backend.status.status_msg}", ("red",))
