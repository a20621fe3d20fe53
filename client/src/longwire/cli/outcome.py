"""What a result says to a reader of the terminal: counts, without Qiskit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from longwire.cli.command_error import CommandError
from longwire.codecs.received_result import ResultAsSent
from longwire.v1 import result_pb2


@dataclass(frozen=True)
class CircuitOutcome:
    """The outcome of one circuit.

    Attributes:
        name: the circuit's name; empty where the backend gave none.
        success: whether its data can be trusted; None where the backend does not say.
        shots: how often it was run, where that is known.
        seed: the simulator's seed, where that is known.
        counts: how often each outcome was seen, by the bit string as Qiskit
            writes it (a space between registers); None where nothing was counted.
        memory: the outcome of every shot; None unless it was asked for.
        data_names: the names of everything that the result holds for it.
    """

    name: str
    success: bool | None
    shots: int | None
    seed: int | None
    counts: dict[str, int] | None
    memory: list[str] | None
    data_names: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """The outcome of a job: what the backend calls its version, and its circuits'."""

    backend_version: str
    circuits: tuple[CircuitOutcome, ...]


def read_outcome(encoded: ResultAsSent) -> Outcome:
    """The outcome that a server sent.

    Raises:
        CodecError: the bytes are not those that were sent, or not a result.
        CommandError: its counts cannot be read.
    """
    from longwire.codecs.failure import MisfitError
    from longwire.codecs.result import read_encoded_result

    message = read_encoded_result(encoded)
    try:
        circuits = tuple(map(_read_circuit, message.results))
    except MisfitError as error:
        raise CommandError("CODEC", f"The result cannot be read: {error}") from error
    return Outcome(message.backend_version, circuits)


def _read_circuit(message: result_pb2.ExperimentResult) -> CircuitOutcome:
    from longwire.codecs.counts import measured_bits
    from longwire.codecs.value import read_struct

    header = read_struct(message.header)
    num_bits = measured_bits(header)
    counts: dict[str, int] | None = None
    memory: list[str] | None = None
    for field in message.data:
        if field.name == "counts":
            counts = _read_counts(field, num_bits, header)
        elif field.name == "memory":
            memory = _read_memory(field, num_bits, header)
    return CircuitOutcome(
        name=str(header.get("name") or ""),
        success=message.success if message.HasField("success") else None,
        shots=_shots(message),
        seed=_seed(message),
        counts=counts,
        memory=memory,
        data_names=tuple(field.name for field in message.data),
    )


def _shots(message: result_pb2.ExperimentResult) -> int | None:
    match message.WhichOneof("shots"):
        case "shot_count":
            return message.shot_count
        case "shot_range":
            return message.shot_range.last - message.shot_range.first + 1
        case _:
            return None


def _seed(message: result_pb2.ExperimentResult) -> int | None:
    if message.HasField("seed"):
        return message.seed
    from longwire.codecs.value import read_struct

    # Aer reports it under this name.
    seed = read_struct(message.metadata).get("seed_simulator")
    return seed if isinstance(seed, int) else None


def _read_counts(
    field: result_pb2.DataField, num_bits: int, header: dict[str, Any]
) -> dict[str, int] | None:
    from longwire.codecs.counts import read_counts
    from longwire.codecs.value import read_value

    if field.WhichOneof("data") == "counts":
        by_hex = read_counts(field.counts)
        num_bits = max(num_bits, field.counts.num_bits)
    else:
        # A backend's own form: kept as it is where it is none of Qiskit's.
        value = read_value(field.value)
        if not isinstance(value, dict):
            return None
        by_hex = value
    sizes = register_sizes(header)
    named = {format_outcome(key, num_bits, sizes): number for key, number in by_hex.items()}
    return dict(sorted(named.items()))


def _read_memory(
    field: result_pb2.DataField, num_bits: int, header: dict[str, Any]
) -> list[str] | None:
    from longwire.codecs.counts import read_memory

    if field.WhichOneof("data") != "memory":
        return None
    sizes = register_sizes(header)
    num_bits = max(num_bits, field.memory.num_bits)
    shots = read_memory(field.memory)
    # Shots repeat outcomes: each is written once.
    texts = {shot: format_outcome(shot, num_bits, sizes) for shot in set(shots)}
    return [texts[shot] for shot in shots]


def register_sizes(header: dict[str, Any]) -> tuple[int, ...]:
    """The sizes of the classical registers that a header states, or none."""
    try:
        return tuple(int(size) for _, size in header.get("creg_sizes") or ())
    except (TypeError, ValueError):
        return ()


def format_outcome(outcome: object, num_bits: int, sizes: Sequence[int]) -> str:
    """An outcome as Qiskit's ``Result.get_counts`` writes it.

    Args:
        outcome: in hexadecimal; another form is left as it is.
        num_bits: the number of classical bits, to which it is padded.
        sizes: of the classical registers, the first one rightmost. They separate
            the bits only where they cover all of them.
    """
    if not isinstance(outcome, str) or not outcome.startswith("0x"):
        return str(outcome)
    bits = f"{int(outcome, 16):0{num_bits}b}"
    if len(sizes) < 2 or sum(sizes) != len(bits):
        return bits
    parts, start = [], 0
    for size in reversed(sizes):
        parts.append(bits[start : start + size])
        start += size
    return " ".join(parts)
