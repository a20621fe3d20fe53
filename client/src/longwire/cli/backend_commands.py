"""The commands ``backends`` and ``status``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from longwire.cli.arguments import AddressOption, JsonOption
from longwire.cli.session import open_session
from longwire.cli.table import Cell, Column, render_fields, render_table
from longwire.cli.terminal import width_columns, write

if TYPE_CHECKING:
    from longwire.v1.backend_pb2 import Backend


def backends(
    context: typer.Context, address: AddressOption = None, as_json: JsonOption = False
) -> None:
    """List the backends of the server: what they are."""
    with open_session(context, address, as_json=as_json) as session:
        found = session.backends.list_backends()
        if as_json:
            from longwire.cli.documents import backend_document

            session.write_json(
                {"address": session.address, "backends": list(map(backend_document, found))}
            )
            return
        if not found:
            write(f"{session.address} hosts no backend")
            return
        columns = [
            Column("NAME"),
            Column("QUBITS", is_number=True),
            Column("KIND"),
            Column("MAX SHOTS", is_number=True),
            Column("DESCRIPTION"),
        ]
        rows = [
            [
                Cell(backend.name, {"bold": True}),
                str(backend.num_qubits) if backend.HasField("num_qubits") else "any",
                "simulator" if backend.simulator else "device",
                f"{backend.max_shots:,}" if backend.HasField("max_shots") else "any",
                _description(backend),
            ]
            for backend in found
        ]
        for line in render_table(columns, rows, width=width_columns()):
            write(line)


def status(
    context: typer.Context,
    backend: Annotated[
        str | None, typer.Argument(metavar="[BACKEND]", help="Only this backend.")
    ] = None,
    address: AddressOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show how the backends are: whether they can run jobs, and how many wait."""
    with open_session(context, address, as_json=as_json) as session:
        found = session.backends.list_backends()
        if backend is not None:
            from longwire.cli.request import find_backend

            found = [find_backend(found, backend)]
        if as_json:
            from longwire.cli.documents import status_document

            documents = [status_document(one.status) for one in found]
            session.write_json(
                {"address": session.address, "backends": documents}
                if backend is None
                else documents[0]
            )
            return
        lines = _status_fields(found[0]) if backend is not None else _status_table(found)
        for line in lines or [f"{session.address} hosts no backend"]:
            write(line)


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
    rows = [
        [
            Cell(backend.name, {"bold": True}),
            _operational(backend),
            str(backend.status.pending_jobs),
            backend.reported_version or backend.status.backend_version,
            backend.status.status_msg,
        ]
        for backend in found
    ]
    return render_table(columns, rows, width=width_columns())


def _status_fields(backend: Backend) -> list[str]:
    status = backend.status
    version = status.backend_version
    if backend.reported_version != version:
        version += f" (its own: {backend.reported_version or 'none'})"
    return render_fields(
        [
            ("backend", Cell(status.backend_name, {"bold": True})),
            ("status", _operational(backend)),
            ("waiting jobs", str(status.pending_jobs)),
            ("version", version),
            ("message", status.status_msg or "none"),
        ]
    )


def _operational(backend: Backend) -> Cell:
    if backend.status.operational:
        return Cell("operational", {"fg": "green"})
    return Cell("down", {"fg": "red"})


def _description(backend: Backend) -> str | Cell:
    if backend.status.operational:
        return backend.description
    return Cell(f"down: {backend.status.status_msg}", {"fg": "red"})
