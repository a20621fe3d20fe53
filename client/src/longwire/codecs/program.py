"""Programs: circuits, OpenQASM text and Qobjs as messages, and back in the worker."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from longwire.codecs.aer_instructions import pack_aer_instructions, unpack_aer_instructions
from longwire.codecs.failure import MisfitError
from longwire.codecs.openqasm import openqasm_format, parse_openqasm
from longwire.codecs.openqasm_size import OpenqasmSizes
from longwire.codecs.program_caps import MAX_CIRCUITS, too_large
from longwire.codecs.value import fill_value, read_value
from longwire.v1 import program_pb2

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

    from longwire.errors import InvalidProgramError
    from longwire.qobj import QasmQobj

__all__ = ["label_circuits", "parse_payloads", "program_from_proto", "program_to_proto"]

# Reading an older version can execute code that the payload brings (CVE-2025-2000).
MINIMUM_QPY_VERSION = 13

_QPY_MAGIC = b"QISKIT"
_OPENQASM_FORMATS = (program_pb2.PROGRAM_FORMAT_OPENQASM2, program_pb2.PROGRAM_FORMAT_OPENQASM3)
_FORMAT_NAMES: dict[program_pb2.ProgramFormat.ValueType, str] = {
    program_pb2.PROGRAM_FORMAT_QPY: "QPY",
    program_pb2.PROGRAM_FORMAT_OPENQASM2: "OpenQASM 2",
    program_pb2.PROGRAM_FORMAT_OPENQASM3: "OpenQASM 3",
    program_pb2.PROGRAM_FORMAT_QOBJ: "Qobj",
}


def program_to_proto(
    program: QuantumCircuit | str | QasmQobj | Mapping[str, Any] | Sequence[QuantumCircuit | str],
    *,
    accepted_programs: Sequence[program_pb2.ProgramFormatSupport] | None = None,
    circuit_names: Sequence[str] = (),
) -> program_pb2.Program:
    """The message for what a user runs.

    Args:
        program: one or many circuits, one or many OpenQASM 2 or 3 texts of one
            version, or a QasmQobj or its dictionary.
        accepted_programs: the formats and versions that the backend states.
            QPY is written in the newest version that both sides know. By
            default everything is taken to be accepted.
        circuit_names: a name for each OpenQASM text, for the result's headers.

    Raises:
        InvalidProgramError: it is none of these, cannot be written, or the
            backend does not accept its format or any version that can be
            written here.
        InvalidQobjError: the Qobj breaks its schema.
    """
    from qiskit import QuantumCircuit

    if isinstance(program, (QuantumCircuit, str)):
        program = [program]
    elif not isinstance(program, (list, tuple)):
        return _qobj_to_proto(program, accepted_programs)
    if not program:
        raise _invalid("there is nothing to run: give at least one circuit")
    texts = [item for item in program if isinstance(item, str)]
    if len(texts) == len(program):
        return _openqasm_to_proto(texts, circuit_names, accepted_programs)
    circuits = [item for item in program if isinstance(item, QuantumCircuit)]
    if len(circuits) == len(program):
        return _circuits_to_proto(circuits, accepted_programs)
    for index, item in enumerate(program):
        if not isinstance(item, (QuantumCircuit, str)):
            raise _invalid_type(item, index)
    raise _invalid("circuits and OpenQASM texts cannot be mixed in one job: send two jobs")


def program_from_proto(message: program_pb2.Program) -> list[QuantumCircuit] | QasmQobj:
    """What a user sent, parsed. Only for a process with limits on memory and time.

    Qiskit's parsers bound neither, and a Rust panic in them is a BaseException
    that passes through this function.

    Raises:
        InvalidProgramError: the payload cannot be parsed; the message gives the
            circuit's index and the parser's line and column.
        InvalidQobjError: the Qobj breaks its schema.
    """
    program = parse_payloads(message)
    if isinstance(program, list):
        label_circuits(program, message)
    return program


def parse_payloads(message: program_pb2.Program) -> list[QuantumCircuit] | QasmQobj:
    """As :func:`program_from_proto`, for payloads that several programs share.

    The circuits have the names and metadata of their payloads. Those that the
    message states beside them are left to :func:`label_circuits`.

    Raises:
        InvalidProgramError: see there.
        InvalidQobjError: see there.
    """
    if message.format in _OPENQASM_FORMATS:
        return _circuits_from_openqasm(message)
    if message.format not in (program_pb2.PROGRAM_FORMAT_QPY, program_pb2.PROGRAM_FORMAT_QOBJ):
        raise _unsupported(f"the program's format {message.format} is unknown to this server")
    if len(message.payloads) != 1:
        raise _invalid(
            f"a program in {_format_name(message.format)} has one payload, "
            f"this has {len(message.payloads)}"
        )
    if message.format == program_pb2.PROGRAM_FORMAT_QPY:
        return _circuits_from_qpy(message)
    from longwire.codecs.qobj import qobj_from_json

    return qobj_from_json(message.payloads[0])


def label_circuits(circuits: Sequence[QuantumCircuit], message: program_pb2.Program) -> None:
    """Gives circuits the names and the metadata that a program states beside its payloads.

    Raises:
        InvalidProgramError: there are more or fewer of them than circuits, or the
            metadata cannot be read.
    """
    if message.format in _OPENQASM_FORMATS:
        _check_number("names", len(message.circuit_names), len(circuits))
        for circuit, name in zip(circuits, message.circuit_names, strict=False):
            circuit.name = name
        return
    _check_number("metadata", len(message.circuit_metadata), len(circuits))
    for index, metadata in enumerate(message.circuit_metadata):
        if metadata.WhichOneof("kind") == "null_value":
            continue
        try:
            circuits[index].metadata = read_value(metadata)
        except (MisfitError, TypeError) as error:
            raise _invalid(f"circuit {index} ({circuits[index].name!r}): {error}") from error


def _check_number(noun: str, number: int, circuits: int) -> None:
    if number not in (0, circuits):
        raise _invalid(f"{noun} of {number} circuits came with {circuits} circuits")


def _qobj_to_proto(
    qobj: object, accepted_programs: Sequence[program_pb2.ProgramFormatSupport] | None
) -> program_pb2.Program:
    from longwire.codecs.qobj import qobj_from_dict, qobj_to_json
    from longwire.qobj import QasmQobj

    if isinstance(qobj, Mapping):
        qobj = qobj_from_dict(qobj)
    if not isinstance(qobj, QasmQobj):
        raise _invalid_type(qobj)
    _support(program_pb2.PROGRAM_FORMAT_QOBJ, accepted_programs)
    return program_pb2.Program(
        format=program_pb2.PROGRAM_FORMAT_QOBJ, payloads=[qobj_to_json(qobj)]
    )


def _openqasm_to_proto(
    texts: Sequence[str],
    circuit_names: Sequence[str],
    accepted_programs: Sequence[program_pb2.ProgramFormatSupport] | None,
) -> program_pb2.Program:
    formats = [openqasm_format(text, index) for index, text in enumerate(texts)]
    if len(set(formats)) > 1:
        raise _invalid("OpenQASM 2 and 3 cannot be mixed in one job: send two jobs")
    _support(formats[0], accepted_programs)
    if circuit_names and len(circuit_names) != len(texts):
        raise _invalid(f"{len(circuit_names)} names were given for {len(texts)} circuits")
    return program_pb2.Program(
        format=formats[0],
        payloads=[text.encode() for text in texts],
        circuit_names=circuit_names,
    )


def _circuits_to_proto(
    circuits: Sequence[QuantumCircuit],
    accepted_programs: Sequence[program_pb2.ProgramFormatSupport] | None,
) -> program_pb2.Program:
    version = _common_qpy_version(_support(program_pb2.PROGRAM_FORMAT_QPY, accepted_programs))
    message = program_pb2.Program(format=program_pb2.PROGRAM_FORMAT_QPY, qpy_version=version)
    portable = []
    for index, circuit in enumerate(circuits):
        try:
            portable.append(_detach_metadata(message, index, pack_aer_instructions(circuit)))
        except MisfitError as misfit:
            raise _invalid(f"circuit {index} ({circuit.name!r}): {misfit}") from misfit
    message.payloads.append(_dump_qpy(portable, version))
    return message


def _detach_metadata(
    message: program_pb2.Program, index: int, circuit: QuantumCircuit
) -> QuantumCircuit:
    """Takes metadata that JSON, and so QPY, would change or refuse out of the circuit."""
    metadata = circuit.metadata
    if not metadata or _is_json(metadata):
        if message.circuit_metadata:
            fill_value(message.circuit_metadata.add(), None)
        return circuit
    while len(message.circuit_metadata) < index:
        fill_value(message.circuit_metadata.add(), None)
    try:
        fill_value(message.circuit_metadata.add(), metadata)
    except MisfitError as misfit:
        raise misfit.inside(".metadata") from misfit.__cause__
    stripped = circuit.copy()
    stripped.metadata = {}
    return stripped


def _is_json(value: object) -> bool:
    """Whether JSON gives an equal value of the same types back."""
    if type(value) is dict:
        return set(map(type, value)) <= {str} and all(map(_is_json, value.values()))
    if type(value) is list:
        return all(map(_is_json, value))
    return value is None or type(value) in (str, int, float, bool)


def _dump_qpy(circuits: Sequence[QuantumCircuit], version: int, first_index: int = 0) -> bytes:
    from qiskit import qpy

    buffer = io.BytesIO()
    try:
        qpy.dump(circuits, buffer, version=version)
    except MemoryError:
        raise
    except Exception as error:  # QPY raises whatever the circuit's parts raise
        if len(circuits) > 1:
            # Once more, each alone, to name the one at fault.
            for index, circuit in enumerate(circuits):
                _dump_qpy([circuit], version, index)
        raise _invalid(
            f"circuit {first_index} ({circuits[0].name!r}) cannot be written as QPY version "
            f"{version}: {error}"
        ) from error
    return buffer.getvalue()


def _common_qpy_version(support: program_pb2.ProgramFormatSupport | None) -> int:
    """The newest QPY version that this Qiskit writes and the backend reads."""
    from qiskit.qpy import QPY_COMPATIBILITY_VERSION, QPY_VERSION

    lowest = max(MINIMUM_QPY_VERSION, QPY_COMPATIBILITY_VERSION)
    if support is None or support.max_version == 0:
        return int(QPY_VERSION)
    version = int(min(QPY_VERSION, support.max_version))
    if version < max(lowest, support.min_version):
        older = "the server's" if support.max_version < lowest else "your"
        raise _unsupported(
            f"no version of QPY suits both sides: the Qiskit here writes {lowest} to "
            f"{QPY_VERSION}, the backend reads {support.min_version} to {support.max_version}. "
            f"Upgrade {older} Qiskit, or send OpenQASM 3 (qiskit.qasm3.dumps(circuit))"
        )
    return version


def _circuits_from_qpy(message: program_pb2.Program) -> list[QuantumCircuit]:
    from qiskit import QuantumCircuit, qpy

    from longwire.codecs.qpy_instructions import DamagedQpyError, check_qpy

    payload = message.payloads[0]
    _check_qpy_version(payload, message.qpy_version)
    try:
        check_qpy(payload)
    except DamagedQpyError as error:
        raise _invalid(f"the QPY payload cannot be read: {error}") from error
    try:
        circuits: list[QuantumCircuit] = qpy.load(io.BytesIO(payload))
    except MemoryError:
        raise
    except Exception as error:  # damaged bytes raise anything at all
        raise _invalid(
            f"the QPY payload cannot be read: {error or type(error).__name__}"
        ) from error
    for index, circuit in enumerate(circuits):
        if not isinstance(circuit, QuantumCircuit):
            raise _invalid(f"entry {index} of the QPY payload is not a circuit")
        try:
            circuits[index] = unpack_aer_instructions(circuit)
        except MisfitError as error:
            raise _invalid(f"circuit {index} ({circuit.name!r}): {error}") from error
    return circuits


def _check_qpy_version(payload: bytes, stated_version: int) -> None:
    """Refuses a payload by its first bytes, before any parser sees it."""
    from longwire.codecs.qpy_instructions import newest_qpy_version

    newest = newest_qpy_version()
    if len(payload) < 7 or not payload.startswith(_QPY_MAGIC):
        raise _invalid("the payload is not QPY: it does not begin with QISKIT and a version")
    version = payload[6]
    if version < MINIMUM_QPY_VERSION:
        raise _unsupported(
            f"QPY version {version} is not accepted, because reading it can execute code: "
            f"write version {MINIMUM_QPY_VERSION} or newer (Qiskit 1.3 or newer does)"
        )
    if version > newest:
        raise _unsupported(
            f"QPY version {version} is newer than this server reads, which is up to "
            f"{newest}: write an older one with qiskit.qpy.dump(..., version={newest})"
        )
    if version != stated_version:
        raise _invalid(
            f"the payload is QPY version {version}, the message says version {stated_version}"
        )


def _circuits_from_openqasm(message: program_pb2.Program) -> list[QuantumCircuit]:
    names = message.circuit_names
    if not message.payloads:
        raise _invalid("there is nothing to run: the program has no payload")
    _check_number("names", len(names), len(message.payloads))
    if len(message.payloads) > MAX_CIRCUITS:
        raise too_large("circuits", len(message.payloads), MAX_CIRCUITS)
    circuits = []
    sizes = OpenqasmSizes()
    for index, payload in enumerate(message.payloads):
        try:
            text = payload.decode()
        except UnicodeDecodeError as error:
            raise _invalid(f"circuit {index}: the text is not UTF-8: {error}") from error
        if openqasm_format(text, index) != message.format:
            raise _invalid(
                f"circuit {index}: its header does not say {_format_name(message.format)}"
            )
        place = f"circuit {index} ({names[index]!r})" if names else f"circuit {index}"
        sizes.add(text, message.format, f"{place}: ")
        circuit = parse_openqasm(text, message.format, place)
        # Qiskit's own name counts the circuits that the process has read, whosever they were.
        circuit.name = f"circuit-{index}"
        circuits.append(circuit)
    return circuits


def _support(
    program_format: program_pb2.ProgramFormat.ValueType,
    accepted_programs: Sequence[program_pb2.ProgramFormatSupport] | None,
) -> program_pb2.ProgramFormatSupport | None:
    """What the backend states about a format, None where it states nothing at all."""
    if accepted_programs is None:
        return None
    for support in accepted_programs:
        if support.format == program_format:
            return support
    names = ", ".join(_format_name(support.format) for support in accepted_programs) or "nothing"
    raise _unsupported(
        f"the backend does not accept {_format_name(program_format)}: it accepts {names}"
    )


def _format_name(program_format: program_pb2.ProgramFormat.ValueType) -> str:
    return _FORMAT_NAMES.get(program_format, f"format {program_format}")


def _invalid_type(value: object, index: int | None = None) -> InvalidProgramError:
    place = "" if index is None else f"entry {index}: "
    return _invalid(
        f"{place}an object of type {type(value).__name__} cannot be run: give a QuantumCircuit, "
        "OpenQASM text, a list of either, or a QasmQobj"
    )


def _invalid(message: str) -> InvalidProgramError:
    from longwire.errors import InvalidProgramError

    return InvalidProgramError(message, reason="PROGRAM_INVALID")


def _unsupported(message: str) -> InvalidProgramError:
    from longwire.errors import InvalidProgramError

    return InvalidProgramError(message, reason="PROGRAM_FORMAT_UNSUPPORTED")
