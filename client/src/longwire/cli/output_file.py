"""The file of ``--output``: a picture of the counts, or the whole result as JSON."""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from longwire.cli.command_error import CommandError
from longwire.v1.job_pb2 import Job, JobKind

if TYPE_CHECKING:
    from longwire.cli.report import ResultReport

_PICTURES = (".png", ".svg", ".pdf")


def check_output(path: Path | None) -> None:
    """Finds what would keep the file from being written, before a job is run for it.

    Raises:
        CommandError: its ending is unknown, its directory is missing or not
            writable, or the extra that draws pictures is not installed.
    """
    if path is None:
        return
    kind = path.suffix.lower()
    if kind not in (*_PICTURES, ".json"):
        raise CommandError(
            "OUTPUT_KIND_UNKNOWN",
            f"{path}: its name must end in .png, .svg or .pdf (a picture) or .json (the result)",
        )
    if path.is_dir():
        raise CommandError("OUTPUT_NOT_WRITABLE", f"{path} is a directory; name a file in it")
    directory = path.parent
    if not directory.is_dir():
        raise CommandError(
            "OUTPUT_NOT_WRITABLE", f"{path} cannot be written: there is no directory {directory}"
        )
    if not os.access(path if path.exists() else directory, os.W_OK):
        raise CommandError("OUTPUT_NOT_WRITABLE", f"{path} cannot be written: permission denied")
    if kind in _PICTURES and importlib.util.find_spec("matplotlib") is None:
        raise CommandError(
            "PLOT_MISSING",
            "Pictures need matplotlib, which is not installed here: pip install 'longwire[plot]'",
        )


def check_output_of(path: Path | None, job: Job) -> None:
    """Finds whether the file is of a kind that a job's result cannot take.

    Raises:
        CommandError: a picture is asked for of a job that counts nothing.
    """
    if path is None or path.suffix.lower() not in _PICTURES:
        return
    if job.kind == JobKind.JOB_KIND_ESTIMATOR:
        raise CommandError(
            "OUTPUT_KIND_UNKNOWN",
            f"{path}: a picture shows counts, and job {job.job_id} is an estimator's, which has "
            "none: name a .json file",
            job_id=job.job_id,
        )


def write_output(path: Path, report: ResultReport) -> None:
    """Writes the file.

    Args:
        path: where to; its ending chooses what is written.
        report: of the result.

    Raises:
        CommandError: it cannot be written.
        CodecError: the result cannot be read.
    """
    try:
        if path.suffix.lower() == ".json":
            text = json.dumps(report.whole_document(), indent=2, ensure_ascii=False)
            path.write_text(text + "\n", encoding="utf-8")
        else:
            from longwire.cli.picture import draw_histograms

            draw_histograms(report.pictured(), path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise CommandError("OUTPUT_NOT_WRITABLE", f"{path} cannot be written: {reason}") from error
