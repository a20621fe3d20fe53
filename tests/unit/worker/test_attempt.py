"""One attempt at a job: what it runs, and what it tells."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from qiskit import QuantumCircuit, transpile
from qiskit.circuit import Parameter
from qiskit.result import Result
from qiskit_aer import AerSimulator

from longwire.codecs.payloads_digest import payloads_digest
from longwire.codecs.program import program_to_proto
from longwire.codecs.result import decode_result
from longwire.codecs.run_options import run_options_to_proto
from longwire.errors import InvalidOptionError, InvalidProgramError, LimitExceededError
from longwire.qobj.assemble import assemble
from longwire.v1.job_pb2 import JobSpec
from longwire.v1.primitive_pb2 import EstimatorSpec, SamplerSpec
from longwire.v1.program_pb2 import Program, TranspileOptions
from longwire.v1.result_pb2 import EncodedResult
from longwire_server.backends.loading import HostedBackend
from longwire_server.execution.frames_pb2 import ExecuteJob
from longwire_server.execution.worker import attempt
from longwire_server.execution.worker.programs import ProgramCache

Load = Callable[..., HostedBackend]
OPTIONS: dict[str, Any] = {"shots": 100, "seed_simulator": 5, "memory": True}


def turned(name: str = "turned") -> QuantumCircuit:
    circuit = QuantumCircuit(2, name=name)
    circuit.ry(Parameter("angle"), 0)
    circuit.cx(0, 1)
    circuit.measure_all()
    return circuit


def execute(
    backend: HostedBackend,
    spec: JobSpec,
    heard: Any,
    *,
    program: bytes = b"",
    programs: ProgramCache | None = None,
    result_limit_bytes: int = 1 << 20,
) -> Result:
    executed = attempt.execute(
        backend,
        ExecuteJob(job_id="the-job", spec=spec.SerializeToString(), program=program),
        spec,
        programs=programs or ProgramCache(),
        result_limit_bytes=result_limit_bytes,
        listener=heard,
    )
    return decode_result(EncodedResult.FromString(executed.result))


def test_attempt_binds_the_parameters_of_a_program_named_by_its_digest(
    aer: HostedBackend, heard: Any
) -> None:
    circuit = turned()
    binds = [{circuit.parameters[0]: [0.1, 1.0, 3.0]}]
    payloads = program_to_proto(circuit)
    program = Program(
        format=payloads.format,
        qpy_version=payloads.qpy_version,
        payloads_sha256=payloads_digest(payloads.payloads),
    )
    options = run_options_to_proto(circuit, parameter_binds=binds, **OPTIONS)
    spec = JobSpec(program=program, options=options)
    beside = Program(payloads=payloads.payloads).SerializeToString()
    programs = ProgramCache()
    first = execute(aer, spec, heard, program=beside, programs=programs)
    again = execute(aer, spec, heard, programs=programs)
    local = AerSimulator().run(circuit, parameter_binds=binds, **OPTIONS).result()
    for result in (first, again):
        assert [result.get_memory(index) for index in range(3)] == [
            local.get_memory(index) for index in range(3)
        ]
        assert result.job_id == "the-job"
    assert heard.events == ["running", "running"]


def test_attempt_binds_the_inputs_of_a_text(aer: HostedBackend, heard: Any) -> None:
    text = (
        'OPENQASM 3.0; include "stdgates.inc"; input float theta; qubit q; bit c; rx(theta) q; '
        "c = measure q;"
    )
    binds = [{"theta": [0.0, np.pi]}]
    spec = JobSpec(
        program=program_to_proto(text), options=run_options_to_proto(text, parameter_binds=binds)
    )
    assert execute(aer, spec, heard).get_counts() == [{"0": 1024}, {"1": 1024}]


def test_attempt_transpiles_then_binds(sherbrooke: HostedBackend, heard: Any) -> None:
    circuit = turned()
    binds = [{"angle": np.linspace(0, 3, 4)}]
    spec = JobSpec(
        program=program_to_proto(circuit),
        options=run_options_to_proto(circuit, parameter_binds=binds, **OPTIONS),
        transpile=TranspileOptions(optimization_level=1, seed_transpiler=2),
    )
    result = execute(sherbrooke, spec, heard)
    there = transpile(circuit, sherbrooke.driver, optimization_level=1, seed_transpiler=2)
    points = [there.assign_parameters([value]) for value in binds[0]["angle"]]
    expected = sherbrooke.run(points, OPTIONS)
    assert [result.get_memory(n) for n in range(4)] == [expected.get_memory(n) for n in range(4)]
    assert {each.header["name"] for each in result.results} == {"turned"}


@pytest.mark.parametrize("fixture", ["aer", "sherbrooke"])
def test_attempt_takes_values_of_parameters_that_the_transpiler_removes(
    fixture: str, request: pytest.FixtureRequest, heard: Any
) -> None:
    backend: HostedBackend = request.getfixturevalue(fixture)
    circuit = QuantumCircuit(1, 1, name="diagonal")
    circuit.x(0)
    circuit.rz(Parameter("without effect"), 0)
    circuit.measure(0, 0)
    options = run_options_to_proto(circuit, parameter_binds=[{"without effect": [1, 2, 3]}])
    transpile_options = TranspileOptions(optimization_level=3)
    spec = JobSpec(program=program_to_proto(circuit), options=options, transpile=transpile_options)
    (there,) = ProgramCache().prepare(spec, b"", backend)
    assert not there.parameters
    result = execute(backend, spec, heard)
    assert [result.get_counts(index)["1"] > 900 for index in range(3)] == [True] * 3


def test_attempt_tells_of_its_parts(load: Load, heard: Any) -> None:
    backend = load("unit.backends.drivers:PlainV2")
    circuits = [QuantumCircuit(1, name=f"number {index}") for index in range(5)]
    result = execute(backend, JobSpec(program=program_to_proto(circuits)), heard)
    assert len(result.results) == 5
    assert heard.events == ["running", (2, 5), (4, 5)]


def test_attempt_that_cannot_be_prepared_never_runs(generic: HostedBackend, heard: Any) -> None:
    spec = JobSpec(
        program=program_to_proto(turned()), transpile=TranspileOptions(initial_layout=[0, 0])
    )
    with pytest.raises(InvalidProgramError, match="'turned' cannot be transpiled"):
        execute(generic, spec, heard)
    unbound = JobSpec(program=program_to_proto(turned()), transpile=TranspileOptions())
    with pytest.raises(InvalidProgramError, match=r"without values \(angle\)"):
        execute(generic, unbound, heard)
    wrong = JobSpec(
        program=program_to_proto(turned()),
        transpile=TranspileOptions(),
        options=run_options_to_proto(noise_model={"errors": []}),
    )
    with pytest.raises(InvalidOptionError, match="NoiseModel, not dict"):
        execute(generic, wrong, heard)
    assert heard.events == ["running"]


def test_attempt_whose_result_is_too_large_is_refused(aer: HostedBackend, heard: Any) -> None:
    circuit = QuantumCircuit(8)
    circuit.h(range(8))
    circuit.measure_all()
    spec = JobSpec(
        program=program_to_proto(circuit), options=run_options_to_proto(shots=1000, memory=True)
    )
    with pytest.raises(LimitExceededError, match=r"limits\.result_bytes"):
        execute(aer, spec, heard, result_limit_bytes=1000)


@pytest.mark.parametrize(
    "primitive", [{"sampler": SamplerSpec()}, {"estimator": EstimatorSpec()}], ids=str
)
def test_attempt_at_a_primitive_takes_circuits_and_its_own_options_alone(
    aer: HostedBackend, heard: Any, primitive: dict[str, Any]
) -> None:
    circuit = QuantumCircuit(1, 1)
    circuit.measure(0, 0)
    qobj = JobSpec(program=program_to_proto(assemble([circuit])), **primitive)
    with pytest.raises(InvalidProgramError, match="not a Qobj"):
        execute(aer, qobj, heard)
    options = run_options_to_proto(shots=3)
    mixed = JobSpec(program=program_to_proto(circuit), options=options, **primitive)
    with pytest.raises(InvalidOptionError, match="the primitive's options alone"):
        execute(aer, mixed, heard)
    assert heard.events == []
