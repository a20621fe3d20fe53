"""Files of circuits as the message that carries them: their bytes, unread."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from longwire.cli.command_error import CommandError
from longwire.v1 import program_pb2

_QPY_MAGIC = b"QISKIT"
_KINDS = ".qasm (OpenQASM 2 or 3), .qpy (QPY) or .json (a Qobj)"


def read_program(paths: Sequence[Path]) -> program_pb2.Program:
    """The program in one or more files.

    Several files must all be OpenQASM of one version: a QPY file or a Qobj is a
    whole job of any number of circuits. An OpenQASM circuit is named after its
    file, or after its path where two files have the same name.

    Raises:
        CommandError: a file cannot be read, or is not what its ending says.
    """
    kinds = {path.suffix.lower() for path in paths}
    for path in paths:
        if path.suffix.lower() not in _READERS:
            raise CommandError("FILE_KIND_UNKNOWN", f"{path}: its name must end in {_KINDS}")
    if len(paths) > 1 and kinds != {".qasm"}:
        raise CommandError(
            "FILES_NOT_COMBINABLE",
            "Only .qasm files can be combined into one job: a .qpy or .json file is a job of its "
            "own, with all of its circuits",
        )
    programs = [_READERS[path.suffix.lower()](path, _read(path)) for path in paths]
    first = programs[0]
    for path, program in zip(paths[1:], programs[1:], strict=True):
        if program.format != first.format:
            raise CommandError(
                "FILES_NOT_COMBINABLE",
                f"{path} and {paths[0]} are of different versions of OpenQASM: send two jobs",
            )
        first.payloads.extend(program.payloads)
    if kinds == {".qasm"}:
        first.circuit_names.extend(_circuit_names(paths))
    return first


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise CommandError("FILE_UNREADABLE", f"{path} cannot be read: {reason}") from error


def _circuit_names(paths: Sequence[Path]) -> list[str]:
    stems = [path.stem for path in paths]
    return [
        stem if stems.count(stem) == 1 else str(path)
        for path, stem in zip(paths, stems, strict=True)
    ]


def _read_openqasm(path: Path, data: bytes) -> program_pb2.Program:
    from longwire.codecs.openqasm import openqasm_format

    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _not(path, f"the text is not UTF-8 (byte {error.start})") from error
    try:
        program_format = openqasm_format(text)
    except Exception as error:
        from longwire.errors import InvalidProgramError

        if not isinstance(error, InvalidProgramError):
            raise
        raise _not(
            path, "its first statement must be its version, 'OPENQASM 3.0;' or 'OPENQASM 2.0;'"
        ) from error
    return program_pb2.Program(format=program_format, payloads=[text.encode()])


def _read_qpy(path: Path, data: bytes) -> program_pb2.Program:
    if not data.startswith(_QPY_MAGIC) or len(data) <= len(_QPY_MAGIC):
        raise _not(path, "it is no QPY: it does not begin with QISKIT and a version")
    return program_pb2.Program(
        format=program_pb2.PROGRAM_FORMAT_QPY,
        payloads=[data],
        qpy_version=data[len(_QPY_MAGIC)],
    )


def _read_qobj(path: Path, data: bytes) -> program_pb2.Program:
    try:
        document = json.loads(data)
    except json.JSONDecodeError as error:
        raise _not(
            path, f"it is no JSON: {error.msg} (line {error.lineno}, column {error.colno})"
        ) from error
    except (UnicodeDecodeError, RecursionError) as error:
        raise _not(path, f"it is no JSON: {type(error).__name__}") from error
    if not isinstance(document, dict) or "experiments" not in document:
        raise _not(path, "it is no Qobj: it has no member 'experiments'")
    return program_pb2.Program(format=program_pb2.PROGRAM_FORMAT_QOBJ, payloads=[data])


def _not(path: Path, problem: str) -> CommandError:
    return CommandError("PROGRAM_INVALID", f"{path}: {problem}")


_READERS = {".qasm": _read_openqasm, ".qpy": _read_qpy, ".json": _read_qobj}
