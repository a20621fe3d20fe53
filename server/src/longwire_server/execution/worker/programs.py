"""Programs as a worker reads them, with a memory of those that come again.

A sweep or an optimiser sends the same circuits a thousand times. Their payloads are
then named by a digest, or so small that they need none, and neither parsed nor
transpiled twice.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Final

from qiskit.circuit import QuantumCircuit
from qiskit.transpiler import Target

from longwire.codecs.payloads_digest import payloads_digest
from longwire.codecs.program import label_circuits, parse_payloads
from longwire.codecs.qpy_scan import stated_num_circuits
from longwire.errors import InvalidProgramError
from longwire.qobj import QasmQobj
from longwire.v1.job_pb2 import JobSpec
from longwire.v1.program_pb2 import PROGRAM_FORMAT_QOBJ, PROGRAM_FORMAT_QPY, Program
from longwire_server.backends.hosted_backend import HostedBackend
from longwire_server.backends.job_budget import ProgramBounds
from longwire_server.execution.worker.transpiling import transpile

# An instruction of a circuit in memory, roughly: transpiling can make of a short
# payload many.
_INSTRUCTION_BYTES: Final = 256
_NO_BOUNDS: Final = ProgramBounds()
# Clients send programs below 1 KiB without a digest: these are known by themselves.
_KNOWN_BY_ITSELF_BYTES: Final = 4096


@dataclass(frozen=True)
class _Entry:
    """Circuits that are kept; no job ever holds these objects themselves."""

    circuits: list[QuantumCircuit]
    size_bytes: int
    target: Target | None
    """What they were transpiled for."""


class ProgramCache:
    """Reads the programs of jobs, and keeps those that are named by a digest, or small.

    Every job gets copies: nothing that a driver does to them reaches the next job. What
    one tenant's job has left serves no other tenant, not even to tell by the time it
    takes that somebody runs the same.
    The least recently used go first.

    Args:
        max_entries: most programs kept; one that is also transpiled counts twice.
        max_bytes: most bytes of payloads and instructions kept together. A
            program of more than a quarter of that is not kept.
    """

    def __init__(self, *, max_entries: int = 64, max_bytes: int = 32 << 20) -> None:
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._size_bytes = 0
        self._tenant = ""

    def prepare(
        self,
        spec: JobSpec,
        program: bytes,
        backend: HostedBackend,
        *,
        noise_model: Any = None,
        bounds: ProgramBounds = _NO_BOUNDS,
        tenant: str = "",
    ) -> list[QuantumCircuit] | QasmQobj:
        """The circuits of a job, transpiled where it asks for that.

        A transpiled circuit has its ``layout``, and keeps its name.

        Args:
            spec: the job.
            program: a serialised Program with the payloads, where the spec gives
                their digest alone.
            backend: the backend on which the job runs.
            noise_model: the noise model among the job's own options, if any.
            bounds: what the program may hold, as it was sent.
            tenant: whose job it is.

        Raises:
            InvalidOptionError: there is no such optimization level.
            InvalidProgramError: the payloads cannot be parsed, are not those of
                the digest, or cannot be transpiled.
            InvalidQobjError: the Qobj breaks its schema.
            LimitExceededError: a circuit has more qubits than the backend, or the program
                is beyond the bounds.
        """
        message = spec.program
        self._tenant = tenant
        if not spec.HasField("transpile"):
            return self._labelled(self._parsed(message, program, bounds), message)
        options = spec.transpile

        def make() -> list[QuantumCircuit] | QasmQobj:
            parsed = self._parsed(message, program, bounds)
            if isinstance(parsed, QasmQobj):
                if options.only_where_needed:
                    return parsed
                raise InvalidProgramError(
                    "a Qobj is not transpiled, it holds what a transpiler made: send circuits or "
                    "OpenQASM, or leave transpile out"
                )
            stated = list(message.circuit_names)
            names = stated if len(stated) == len(parsed) else [each.name for each in parsed]
            return transpile(parsed, options, backend, names=names, noise_model=noise_model)

        key = _key(message, self._tenant)
        if key is None or noise_model is not None:
            return self._labelled(make(), message)
        how = options.SerializeToString(deterministic=True)
        size_bytes = _size_bytes(message, program)
        kept = self._kept((*key, backend.name, how, bounds), make, size_bytes, backend.target)
        return self._labelled(kept, message)

    def clear(self) -> None:
        """Forgets every program."""
        self._entries.clear()
        self._size_bytes = 0

    def _labelled(
        self, program: list[QuantumCircuit] | QasmQobj, message: Program
    ) -> list[QuantumCircuit] | QasmQobj:
        if isinstance(program, list):
            label_circuits(program, message)
        return program

    def _parsed(
        self, message: Program, program: bytes, bounds: ProgramBounds
    ) -> list[QuantumCircuit] | QasmQobj:
        parsed = self._parsed_unbounded(message, program)
        bounds.check_program(parsed)
        return parsed

    def _parsed_unbounded(
        self, message: Program, program: bytes
    ) -> list[QuantumCircuit] | QasmQobj:
        key = _key(message, self._tenant)
        if key is None:
            return parse_payloads(_whole(message, program))

        def make() -> list[QuantumCircuit] | QasmQobj:
            whole = _whole(message, program)
            digest = whole.payloads_sha256
            if digest and payloads_digest(whole.payloads) != digest:
                raise InvalidProgramError(
                    "the program's payloads are not those that payloads_sha256 names; compute it "
                    "anew, or leave it out"
                )
            return parse_payloads(whole)

        return self._kept(key, make, _size_bytes(message, program), None)

    def _kept(
        self,
        key: Hashable,
        make: Callable[[], list[QuantumCircuit] | QasmQobj],
        payload_bytes: int,
        target: Target | None,
    ) -> list[QuantumCircuit] | QasmQobj:
        """What is kept under the key, or else is made now, for one job to own."""
        entry = self._entries.get(key)
        if entry is not None and entry.target is target:
            self._entries.move_to_end(key)
            return _copies(entry.circuits)
        made = make()
        if isinstance(made, QasmQobj):
            return made
        instructions = sum(len(circuit.data) for circuit in made)
        size_bytes = payload_bytes + _INSTRUCTION_BYTES * instructions
        if size_bytes > self._max_bytes // 4:
            return made
        self._keep(key, _Entry(made, size_bytes, target))
        return _copies(made)

    def _keep(self, key: Hashable, entry: _Entry) -> None:
        replaced = self._entries.pop(key, None)
        self._size_bytes += entry.size_bytes - (replaced.size_bytes if replaced else 0)
        self._entries[key] = entry
        while len(self._entries) > self._max_entries or self._size_bytes > self._max_bytes:
            _, oldest = self._entries.popitem(last=False)
            self._size_bytes -= oldest.size_bytes


def _key(message: Program, tenant: str) -> tuple[Hashable, ...] | None:
    """What payloads are known by; None where they are large and have no digest."""
    known_by: Hashable = message.payloads_sha256
    if not known_by:
        if sum(map(len, message.payloads)) > _KNOWN_BY_ITSELF_BYTES:
            return None
        known_by = tuple(message.payloads)
    return tenant, known_by, message.format, message.qpy_version


def _whole(message: Program, program: bytes) -> Program:
    """The program with its payloads, which may lie beside it."""
    if message.payloads or not program:
        return message
    whole = Program()
    whole.CopyFrom(message)
    whole.payloads.extend(Program.FromString(program).payloads)
    return whole


def num_circuits(message: Program, program: bytes) -> int:
    """How many circuits a program seems to have, by its beginning; 0 where nothing tells.

    Args:
        message: the program of a job.
        program: a serialised Program with its payloads, where it has none itself.
    """
    whole = _whole(message, program)
    if whole.format == PROGRAM_FORMAT_QPY:
        return stated_num_circuits(whole.payloads[0]) if len(whole.payloads) == 1 else 0
    return 0 if whole.format == PROGRAM_FORMAT_QOBJ else len(whole.payloads)


def _size_bytes(message: Program, program: bytes) -> int:
    """Bytes of a program's payloads, wherever they are, without reading them."""
    return sum(map(len, message.payloads)) or len(program)


def _copies(circuits: list[QuantumCircuit]) -> list[QuantumCircuit]:
    return [circuit.copy() for circuit in circuits]
