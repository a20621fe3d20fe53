"""Programs named by a digest are read once, and every job gets circuits of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit.library import UnitaryGate
from qiskit_aer.noise import NoiseModel, depolarizing_error

from longwire.codecs.payloads_digest import payloads_digest
from longwire.codecs.program import program_to_proto
from longwire.errors import InvalidProgramError
from longwire.qobj import QasmQobj
from longwire.qobj.assemble import assemble
from longwire.v1.job_pb2 import JobSpec
from longwire.v1.program_pb2 import Program, TranspileOptions
from longwire_server.backends.loading import HostedBackend
from longwire_server.execution.worker.programs import ProgramCache

Load = Callable[..., HostedBackend]


def entangled(name: str = "entangled", num_qubits: int = 2, **further: Any) -> QuantumCircuit:
    circuit = QuantumCircuit(num_qubits, name=name, **further)
    circuit.h(0)
    for qubit in range(1, num_qubits):
        circuit.cx(0, qubit)
    circuit.append(UnitaryGate(np.eye(2)), [1])
    circuit.measure_all()
    return circuit


def with_digest(program: Program) -> Program:
    program.payloads_sha256 = payloads_digest(program.payloads)
    return program


def spec_of(*circuits: QuantumCircuit, **members: Any) -> JobSpec:
    return JobSpec(program=with_digest(program_to_proto(list(circuits))), **members)


def by_digest(spec: JobSpec) -> tuple[JobSpec, bytes]:
    """The spec without its payloads, and the payloads as the server gives them beside it."""
    payloads = Program(payloads=spec.program.payloads).SerializeToString()
    bare = JobSpec()
    bare.CopyFrom(spec)
    bare.program.ClearField("payloads")
    return bare, payloads


def is_kept(programs: ProgramCache, spec: JobSpec, backend: HostedBackend) -> bool:
    """Whether a program is read without its payloads."""
    bare, _ = by_digest(spec)
    try:
        programs.prepare(bare, b"", backend)
    except InvalidProgramError:
        return False
    return True


def test_program_is_read_from_the_payloads_beside_the_spec(aer: HostedBackend) -> None:
    circuits = [entangled("a", metadata={(1, 2): "kept"}), entangled("b")]
    bare, payloads = by_digest(spec_of(*circuits))
    found = ProgramCache().prepare(bare, payloads, aer)
    assert found == circuits
    assert isinstance(found, list)
    assert [(each.name, each.metadata) for each in found] == [("a", {(1, 2): "kept"}), ("b", {})]


def test_program_that_was_read_before_needs_no_payloads(aer: HostedBackend) -> None:
    programs, spec = ProgramCache(), spec_of(entangled())
    assert not is_kept(programs, spec, aer)
    first = programs.prepare(spec, b"", aer)
    assert programs.prepare(by_digest(spec)[0], b"", aer) == first == [entangled()]


@pytest.mark.parametrize(("num_qubits", "is_small"), [(2, True), (100, False)])
def test_program_without_a_digest_is_kept_where_it_is_small(
    aer: HostedBackend, num_qubits: int, is_small: bool
) -> None:
    circuit = QuantumCircuit(num_qubits)
    circuit.h(range(num_qubits))
    circuit.measure_all()
    small_one, other = ProgramCache(max_entries=1), spec_of(entangled())
    small_one.prepare(other, b"", aer)
    spec = JobSpec(program=program_to_proto([circuit]))
    assert (len(spec.program.payloads[0]) < 4096) is is_small
    for _ in range(2):
        assert small_one.prepare(spec, b"", aer) == [circuit]
    # It has taken the place of the only one that can be kept.
    assert is_kept(small_one, other, aer) is not is_small


def test_program_without_a_digest_does_not_serve_one_that_names_it(aer: HostedBackend) -> None:
    programs, spec = ProgramCache(), spec_of(entangled())
    digest = spec.program.payloads_sha256
    spec.program.ClearField("payloads_sha256")
    assert programs.prepare(spec, b"", aer) == [entangled()]
    spec.program.payloads_sha256 = digest
    assert not is_kept(programs, spec, aer)


def test_what_is_done_to_a_jobs_circuits_does_not_reach_the_next(aer: HostedBackend) -> None:
    programs, spec = ProgramCache(), spec_of(entangled(metadata={"a": [1]}))
    for _ in range(2):
        (circuit,) = programs.prepare(spec, b"", aer)
        assert circuit == entangled()
        assert (circuit.name, circuit.metadata) == ("entangled", {"a": [1]})
        circuit.x(0)
        circuit.name = "mine"
        circuit.metadata["a"].append(2)
        circuit.data[2].operation.params[0][0, 0] = 7


def test_names_and_metadata_are_those_of_each_job(aer: HostedBackend) -> None:
    text = 'OPENQASM 2.0; include "qelib1.inc"; qreg q[1]; creg c[1]; x q[0]; measure q -> c;'
    programs = ProgramCache()

    def names(program: Program) -> list[str]:
        found = programs.prepare(JobSpec(program=with_digest(program)), b"", aer)
        return [circuit.name for circuit in found]

    assert names(program_to_proto([text, text], circuit_names=["a", "b"])) == ["a", "b"]
    assert names(program_to_proto([text, text], circuit_names=["c", "d"])) == ["c", "d"]
    assert not {"a", "b", "c", "d"} & set(names(program_to_proto([text, text])))
    contradiction = program_to_proto([text, text])
    contradiction.circuit_names.append("alone")
    with pytest.raises(InvalidProgramError, match="names of 1 circuits came with 2 circuits"):
        names(contradiction)

    def metadata(**further: Any) -> Any:
        (circuit,) = programs.prepare(spec_of(entangled(**further)), b"", aer)
        return circuit.metadata

    assert metadata(metadata={(1,): 2}) == {(1,): 2}
    assert metadata(metadata={(3,): 4}) == {(3,): 4}
    assert metadata() == {}


def test_format_and_version_are_part_of_what_a_program_is_known_by(aer: HostedBackend) -> None:
    programs, spec = ProgramCache(), spec_of(entangled())
    programs.prepare(spec, b"", aer)
    assert is_kept(programs, spec, aer)
    spec.program.qpy_version -= 1
    assert not is_kept(programs, spec, aer)


def test_program_of_one_tenant_is_read_anew_for_another(aer: HostedBackend) -> None:
    programs, spec = ProgramCache(), spec_of(entangled())
    transpiled = spec_of(entangled(), transpile=TranspileOptions(optimization_level=1))
    for each in (spec, transpiled):
        bare, payloads = by_digest(each)
        programs.prepare(bare, payloads, aer, tenant="physics")
        assert programs.prepare(bare, b"", aer, tenant="physics")
        with pytest.raises(InvalidProgramError, match="payloads are not those"):
            programs.prepare(bare, b"", aer, tenant="chemistry")


def test_payloads_of_another_digest_are_refused(aer: HostedBackend) -> None:
    programs, spec, other = ProgramCache(), spec_of(entangled("a")), spec_of(entangled("b"))
    spec.program.payloads_sha256 = other.program.payloads_sha256
    with pytest.raises(InvalidProgramError, match="not those that payloads_sha256 names"):
        programs.prepare(spec, b"", aer)
    assert not is_kept(programs, other, aer)


def test_least_recently_used_program_goes_first(aer: HostedBackend) -> None:
    programs = ProgramCache(max_entries=2)
    one, two, three = (spec_of(entangled(name)) for name in ("one", "two", "three"))
    for spec in (one, two, one, three):
        programs.prepare(spec, b"", aer)
    assert [is_kept(programs, spec, aer) for spec in (one, two, three)] == [True, False, True]


def test_programs_are_kept_up_to_a_size(aer: HostedBackend) -> None:
    specs = [spec_of(entangled(f"number {index}")) for index in range(6)]
    one = sum(map(len, specs[0].program.payloads)) + 256 * len(entangled().data)
    programs = ProgramCache(max_bytes=5 * one)
    for spec in specs:
        programs.prepare(spec, b"", aer)
    assert [is_kept(programs, spec, aer) for spec in specs] == [False, *[True] * 5]
    large = spec_of(entangled("large", 60))
    programs.prepare(large, b"", aer)
    assert not is_kept(programs, large, aer)
    assert is_kept(programs, specs[5], aer)
    programs.clear()
    assert not is_kept(programs, specs[5], aer)


def test_qobj_is_read_anew_every_time(aer: HostedBackend) -> None:
    spec = JobSpec(program=with_digest(program_to_proto(assemble([entangled()]))))
    programs = ProgramCache()
    found = [programs.prepare(spec, b"", aer) for _ in range(2)]
    assert found[0] == found[1]
    assert found[0] is not found[1]
    assert not is_kept(programs, spec, aer)


def test_qobj_is_not_transpiled(generic: HostedBackend) -> None:
    program = program_to_proto(assemble([entangled()]))
    where_needed = TranspileOptions(only_where_needed=True)
    spec = JobSpec(program=program, transpile=where_needed)
    assert isinstance(ProgramCache().prepare(spec, b"", generic), QasmQobj)
    with pytest.raises(InvalidProgramError, match="a Qobj is not transpiled"):
        ProgramCache().prepare(JobSpec(program=program, transpile={}), b"", generic)


def transpiled(
    programs: ProgramCache, spec: JobSpec, backend: HostedBackend, **members: Any
) -> Sequence[QuantumCircuit]:
    found = programs.prepare(spec, b"", backend, **members)
    assert isinstance(found, list)
    return found


def test_transpiled_circuits_are_kept_with_their_layout_and_the_jobs_names(
    generic: HostedBackend,
) -> None:
    programs = ProgramCache()
    options = TranspileOptions(seed_transpiler=3, initial_layout=[2, 1])
    for key in (1, 2):
        spec = spec_of(entangled("mine", metadata={(key,): 0}), transpile=options)
        (circuit,) = transpiled(programs, spec, generic)
        assert circuit.name == "mine"
        assert circuit.metadata == {(key,): 0}
        assert circuit.layout is not None
        assert circuit.layout.final_index_layout() == [2, 1]
        assert generic.fits(circuit)
        circuit.x(0)
    assert is_kept(programs, spec, generic)


def test_circuits_are_transpiled_once_for_each_way_and_backend(load: Load) -> None:
    programs = ProgramCache()
    backends = [load("unit.backends.drivers:ChangingV2", name) for name in ("one", "other")]
    ways = [TranspileOptions(seed_transpiler=seed) for seed in (1, 2)]

    def reads(way: TranspileOptions, index: int) -> int:
        """How often a backend's Target is read to prepare a job, beside the snapshot."""
        backend = backends[index]
        assert backend.target is not None
        before = backend.driver.reads
        transpiled(programs, spec_of(entangled(), transpile=way), backend)
        return backend.driver.reads - before

    assert reads(ways[0], 0) > 0
    assert reads(ways[0], 0) == 0
    assert reads(ways[1], 0) > 0
    assert reads(ways[0], 1) > 0
    assert [reads(way, 0) for way in ways] == [0, 0]
    assert transpiled(programs, spec_of(entangled()), backends[0]) == [entangled()]


def test_circuits_are_transpiled_anew_when_the_target_has_changed(load: Load) -> None:
    programs, backend = ProgramCache(), load("unit.backends.drivers:ChangingV2")
    spec = spec_of(entangled(), transpile=TranspileOptions(seed_transpiler=1))
    assert "cz" in transpiled(programs, spec, backend)[0].count_ops()
    backend.driver.change(["rx", "rz", "ecr"])
    backend.forget_target()
    assert "ecr" in transpiled(programs, spec, backend)[0].count_ops()
    assert is_kept(programs, spec, backend)


def test_circuits_for_a_noise_model_of_the_job_are_not_kept(aer: HostedBackend) -> None:
    programs = ProgramCache()
    noise = NoiseModel(basis_gates=["sx", "rz", "cz"])
    noise.add_all_qubit_quantum_error(depolarizing_error(0.1, 1), ["sx"])
    spec = spec_of(entangled(), transpile={})
    (noisy,) = transpiled(programs, spec, aer, noise_model=noise)
    (plain,) = transpiled(programs, spec, aer)
    assert "h" not in noisy.count_ops()
    assert "h" in plain.count_ops()


def test_transpiler_names_the_circuit_as_the_job_does(generic: HostedBackend) -> None:
    text = 'OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; h q[0];'
    program = with_digest(program_to_proto([text], circuit_names=["from a file"]))
    spec = JobSpec(program=program, transpile=TranspileOptions(initial_layout=[0, 0]))
    with pytest.raises(InvalidProgramError, match="circuit 'from a file' cannot be transpiled"):
        ProgramCache().prepare(spec, b"", generic)
