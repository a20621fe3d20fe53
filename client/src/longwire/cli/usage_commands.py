"""The command ``usage``."""

from __future__ import annotations

import argparse
import datetime
from collections.abc import Sequence
from typing import Any

from longwire.cli.session import Session
from longwire.cli.table import Cell, Column, render_table
from longwire.cli.terminal import table_width_columns, write
from longwire.cli.times import format_duration
from longwire.v1.account_pb2 import Usage
from longwire.v1.account_service_pb2 import GetUsageRequest

_COLUMNS = (
    Column("DAY"),
    Column("JOBS", is_number=True),
    Column("SHOTS", is_number=True),
    Column("WORKER TIME", is_number=True),
    Column("BACKEND"),
)


def usage(session: Session, arguments: argparse.Namespace) -> None:
    """Shows what the tenant has used, or others that an operator asks for."""
    found = session.account.get_usage(
        GetUsageRequest(
            tenant=arguments.tenant,
            all_tenants=arguments.all_tenants,
            first_day=_day(arguments.since),
            last_day=_day(arguments.until),
        )
    )
    if session.as_json:
        session.write_json({"usage": list(map(_document, found))})
        return
    lines = _table(found, with_tenants=arguments.all_tenants) if found else ["nothing was used"]
    for line in lines:
        write(line)


def _day(time: datetime.datetime | None) -> str:
    return "" if time is None else time.astimezone(datetime.UTC).date().isoformat()


def _document(used: Usage) -> dict[str, Any]:
    return {
        "tenant": used.tenant,
        "day": used.day,
        "backend_name": used.backend_name,
        "jobs": used.jobs,
        "shots": used.shots,
        "worker_seconds": used.worker_seconds,
    }


def _table(found: Sequence[Usage], *, with_tenants: bool) -> list[str]:
    rows = [[used.tenant, *_cells(used)] for used in found]
    total = Usage(
        jobs=sum(used.jobs for used in found),
        shots=sum(used.shots for used in found),
        worker_seconds=sum(used.worker_seconds for used in found),
    )
    rows.append([Cell("total", ("bold",)) if with_tenants else "", *_cells(total)])
    if not with_tenants:
        rows = [row[1:] for row in rows]
        rows[-1][0] = Cell("total", ("bold",))
    columns = [Column("TENANT"), *_COLUMNS] if with_tenants else _COLUMNS
    return render_table(columns, rows, width=table_width_columns())


def _cells(used: Usage) -> list[Cell | str]:
    return [
        used.day,
        f"{used.jobs:,}",
        f"{used.shots:,}",
        format_duration(used.worker_seconds),
        used.backend_name,
    ]
