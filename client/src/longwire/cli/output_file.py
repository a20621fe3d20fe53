"""The file of ``--output``: a picture of the counts, or the whole result as JSON."""

from __future__ import annotations

import datetime
import importlib.util
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from longwire.cli.command_error import CommandError

if TYPE_CHECKING:
    from longwire.cli.outcome import Outcome
    from longwire.v1.result_pb2 import EncodedResult

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


def write_output(path: Path, encoded: EncodedResult, outcome: Outcome) -> None:
    """Writes the file.

    Raises:
        CommandError: it cannot be written.
        CodecError: the result cannot be read.
    """
    try:
        if path.suffix.lower() == ".json":
            from longwire.codecs.result import decode_result

            document = decode_result(encoded).to_dict()
            text = json.dumps(_jsonable(document), indent=2, ensure_ascii=False)
            path.write_text(text + "\n", encoding="utf-8")
        else:
            from longwire.cli.picture import draw_histograms

            draw_histograms(outcome, path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise CommandError("OUTPUT_NOT_WRITABLE", f"{path} cannot be written: {reason}") from error


def _jsonable(value: Any) -> Any:
    """A value in JSON's types: complex numbers as [real, imaginary], arrays as lists."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, complex):
        return [value.real, value.imag]
    if isinstance(value, dict):
        return {str(key): _jsonable(member) for key, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [_jsonable(member) for member in value]
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    if hasattr(value, "tolist"):  # an array or a number of NumPy
        return _jsonable(value.tolist())
    if hasattr(value, "data"):  # a state or an operator of qiskit.quantum_info
        return _jsonable(value.data)
    if hasattr(value, "to_dict"):
        return _jsonable(value.to_dict())
    return str(value)
