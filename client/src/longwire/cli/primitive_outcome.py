"""What a sampler's or an estimator's result says to a reader of the terminal, without Qiskit."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from longwire.cli.command_error import CommandError
from longwire.codecs.array import read_array
from longwire.codecs.failure import MisfitError
from longwire.codecs.primitive_result import read_bits, read_encoded_primitive_result
from longwire.codecs.received_result import ResultAsSent
from longwire.codecs.value import read_struct, read_value
from longwire.v1 import primitive_result_pb2


@dataclass(frozen=True)
class RegisterOutcome:
    """The bits of a classical register, of every shot at every point of a pub.

    Attributes:
        num_bits: of the register.
        shape: the number of points along each dimension; empty for a single point.
        rows: the bits as bytes, of shape (*shape, shots, bytes), the highest bits first.
    """

    num_bits: int
    shape: tuple[int, ...]
    rows: npt.NDArray[np.uint8]

    @property
    def num_shots(self) -> int:
        """How often the circuit was run at each point."""
        num_shots: int = self.rows.shape[-2]
        return num_shots

    def counts(self, point: int) -> dict[str, int]:
        """How often each outcome was seen at a point, sorted by outcome.

        Args:
            point: counted from zero, row-major.
        """
        if self.num_bits == 0:
            return {"": self.num_shots} if self.num_shots else {}
        rows, numbers = np.unique(self._rows_at(point), axis=0, return_counts=True)
        return dict(zip(map(self._bitstring, rows), numbers.tolist(), strict=True))

    def bitstrings(self, point: int) -> list[str]:
        """The outcome of every shot at a point, in order."""
        return list(map(self._bitstring, self._rows_at(point)))

    def _rows_at(self, point: int) -> npt.NDArray[np.uint8]:
        return self.rows[np.unravel_index(point, self.shape)] if self.shape else self.rows

    def _bitstring(self, row: npt.NDArray[np.uint8]) -> str:
        return f"{int.from_bytes(row.tobytes()):0{self.num_bits}b}" if self.num_bits else ""


@dataclass(frozen=True)
class PubOutcome:
    """The outcome of one pub.

    Attributes:
        shape: the number of points along each dimension; empty for a single point.
        registers: bits, by classical register.
        arrays: numbers, by name: an estimator's ``evs`` and ``stds``.
        others: everything else, by name.
        metadata: what the primitive tells of the pub.
    """

    shape: tuple[int, ...]
    registers: dict[str, RegisterOutcome]
    arrays: dict[str, npt.NDArray[Any]]
    others: dict[str, Any]
    metadata: dict[str, Any]


@dataclass(frozen=True)
class PrimitiveOutcome:
    """The outcome of a job of a sampler or an estimator: its pubs', and what it tells of itself."""

    pubs: tuple[PubOutcome, ...]
    metadata: dict[str, Any]


def read_primitive_outcome(encoded: ResultAsSent) -> PrimitiveOutcome:
    """The outcome that a server sent.

    Raises:
        CodecError: the bytes are not those that were sent, or not a PrimitiveResult.
        CommandError: the message contradicts itself.
    """
    message = read_encoded_primitive_result(encoded)
    try:
        pubs = tuple(map(_read_pub, message.pub_results))
        return PrimitiveOutcome(pubs, read_struct(message.metadata))
    except MisfitError as error:
        raise CommandError("CODEC", f"The result cannot be read: {error}") from error


def points(shape: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """The indices of a shape, row-major."""
    return np.ndindex(*shape)


def nested(shape: tuple[int, ...], at_point: Callable[[int], Any]) -> Any:
    """What there is at each point, in lists as deep as the shape; at a single point itself.

    Args:
        shape: the number of points along each dimension.
        at_point: gives what is at a point, counted from zero, row-major.
    """

    def inner(depth: int, first: int) -> Any:
        if depth == len(shape):
            return at_point(first)
        step = math.prod(shape[depth + 1 :])
        return [inner(depth + 1, first + place * step) for place in range(shape[depth])]

    return inner(0, 0)


def _read_pub(message: primitive_result_pb2.PubResult) -> PubOutcome:
    registers: dict[str, RegisterOutcome] = {}
    arrays: dict[str, npt.NDArray[Any]] = {}
    others: dict[str, Any] = {}
    for field in message.data.fields:
        try:
            match field.WhichOneof("data"):
                case "bit_array":
                    registers[field.name] = _read_register(field.bit_array)
                case "array":
                    arrays[field.name] = read_array(field.array)
                case _:
                    value = read_value(field.value)
                    if isinstance(value, (float, np.number)):
                        # BackendEstimatorV2 gives the error of a single point as a number.
                        arrays[field.name] = np.asarray(value)
                    else:
                        others[field.name] = value
        except MisfitError as error:
            raise error.inside(f".{field.name}") from error.__cause__
    shape = tuple(message.data.shape)
    return PubOutcome(shape, registers, arrays, others, read_struct(message.metadata))


def _read_register(message: primitive_result_pb2.BitArray) -> RegisterOutcome:
    return RegisterOutcome(message.bits.num_bits, tuple(message.shape), read_bits(message))
