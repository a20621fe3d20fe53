"""Attempts at jobs of primitives, from the bytes of a job to those of its result."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from qiskit import QuantumCircuit, transpile
from qiskit.circuit import Parameter
from qiskit.primitives import BackendEstimatorV2, BackendSamplerV2, PrimitiveResult
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit.primitives.containers.sampler_pub import SamplerPub
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, depolarizing_error
from qiskit_aer.primitives import SamplerV2
from same_results import assert_same_primitive_results

from longwire.codecs.primitive_result import decode_primitive_result
from longwire.codecs.program import program_to_proto
from longwire.codecs.pubs import estimator_spec_to_proto, sampler_spec_to_proto
from longwire.errors import InvalidProgramError, LimitExceededError
from longwire.v1.job_pb2 import JobSpec
from longwire.v1.program_pb2 import TranspileOptions
from longwire.v1.result_pb2 import EncodedResult
from longwire_server.backends.loading import HostedBackend
from longwire_server.execution.frames_pb2 import ExecuteJob
from longwire_server.execution.worker import attempt
from longwire_server.execution.worker.programs import ProgramCache

SEEDED = TranspileOptions(optimization_level=1, seed_transpiler=2)
OBSERVABLES = [{"XZ": 0.5, "IY": 1.0}, {"ZI": 1.0}]


def turned(*, measured: bool = False) -> QuantumCircuit:
    """A circuit whose second parameter has no effect on what is measured."""
    circuit = QuantumCircuit(2, name="turned", metadata={"try": 1})
    circuit.ry(Parameter("angle"), 0)
    circuit.cx(0, 1)
    if measured:
        circuit.rz(Parameter("idle"), 1)
        circuit.measure_all()
    return circuit


def execute(
    backend: HostedBackend,
    heard: Any,
    *,
    transpile_options: TranspileOptions | None = None,
    result_limit_bytes: int = 1 << 20,
    **pubs: Any,
) -> PrimitiveResult[Any]:
    """Runs what is given as ``sampler`` or ``estimator``: pubs, and options."""
    ((kind, (given, options)),) = pubs.items()
    if kind == "sampler":
        circuits, spec = sampler_spec_to_proto([SamplerPub.coerce(pub) for pub in given], **options)
    else:
        coerced = [EstimatorPub.coerce(pub) for pub in given]
        circuits, spec = estimator_spec_to_proto(coerced, **options)
    job = JobSpec(program=program_to_proto(circuits), **{kind: spec})
    if transpile_options is not None:
        job.transpile.CopyFrom(transpile_options)
    executed = attempt.execute(
        backend,
        ExecuteJob(job_id="the-job", spec=job.SerializeToString()),
        job,
        programs=ProgramCache(),
        result_limit_bytes=result_limit_bytes,
        listener=heard,
    )
    return decode_primitive_result(EncodedResult.FromString(executed.result))


def test_a_sampler_tells_that_it_runs_before_its_pubs(aer: HostedBackend, heard: Any) -> None:
    pubs = [(turned(measured=True), [[0.1, 0.2], [0.3, 0.4]], 100)] * 2
    result = execute(aer, heard, sampler=(pubs, {"seed_simulator": 3}))
    local = SamplerV2.from_backend(AerSimulator(max_parallel_threads=1), seed=3).run(pubs)
    assert_same_primitive_results(result, local.result())
    assert heard.events[0] == "running"
    assert heard.events[-1] == (1, 2)


def test_a_transpiled_sampler_gives_the_local_result(generic: HostedBackend, heard: Any) -> None:
    circuit, values = turned(measured=True), np.array([[0.1, 0.2], [2.0, 0.4]])
    options = {"seed_simulator": 3}
    result = execute(
        generic, heard, transpile_options=SEEDED, sampler=([(circuit, values, 100)], options)
    )
    here = transpile(circuit, generic.driver, optimization_level=1, seed_transpiler=2)
    kept = [circuit.parameters.data.index(each) for each in here.parameters]
    local = BackendSamplerV2(backend=generic.driver, options=options)
    assert_same_primitive_results(result, local.run([(here, values[:, kept], 100)]).result())


def test_a_transpiled_estimator_lays_its_observables_out(
    generic: HostedBackend, heard: Any
) -> None:
    transpile_options = TranspileOptions(
        optimization_level=1, seed_transpiler=2, initial_layout=[2, 1]
    )
    circuit, options = turned(), {"seed_simulator": 3}
    pubs = [(circuit, OBSERVABLES, [[0.1], [2.0]], 0.05)]
    result = execute(generic, heard, transpile_options=transpile_options, estimator=(pubs, options))
    here = transpile(
        circuit, generic.driver, optimization_level=1, seed_transpiler=2, initial_layout=[2, 1]
    )
    observables = EstimatorPub.coerce(pubs[0]).observables.apply_layout(here.layout)
    local = BackendEstimatorV2(backend=generic.driver, options=options)
    assert_same_primitive_results(
        result, local.run([(here, observables, [[0.1], [2.0]], 0.05)]).result()
    )


def test_observables_of_a_circuit_that_fits_are_left_as_they_are(
    generic: HostedBackend, heard: Any
) -> None:
    # Its own layout is of another transpiling, after which the observables were written.
    here = transpile(
        turned(), generic.driver, optimization_level=1, seed_transpiler=2, initial_layout=[2, 1]
    )
    observables = EstimatorPub.coerce((turned(), OBSERVABLES, [0.1])).observables
    pubs = [(here, observables.apply_layout(here.layout), [[0.1], [2.0]], 0.05)]
    options = {"seed_simulator": 3}
    result = execute(
        generic,
        heard,
        transpile_options=TranspileOptions(only_where_needed=True),
        estimator=(pubs, options),
    )
    local = BackendEstimatorV2(backend=generic.driver, options=options)
    assert_same_primitive_results(result, local.run(pubs).result())


def test_a_transpiled_estimator_takes_observables_of_its_circuit_alone(
    generic: HostedBackend, heard: Any
) -> None:
    job = {"transpile_options": SEEDED, "estimator": ([(turned(), "ZZ", [0.1])], {})}
    assert execute(generic, heard, **job)[0].data.evs.shape == ()
    circuits, spec = estimator_spec_to_proto([EstimatorPub.coerce((turned(), "ZZ", [0.1]))])
    spec.pubs[0].observables.observables[0].terms[0] = "ZZI"
    wide = JobSpec(program=program_to_proto(circuits), estimator=spec, transpile=SEEDED)
    with pytest.raises(InvalidProgramError, match="not a letter for each of 2 qubits"):
        attempt.execute(
            generic,
            ExecuteJob(job_id="the-job"),
            wide,
            programs=ProgramCache(),
            result_limit_bytes=1 << 20,
            listener=heard,
        )


def test_a_primitive_is_transpiled_for_the_operations_of_its_noise(
    aer: HostedBackend, heard: Any
) -> None:
    noise = NoiseModel(basis_gates=["sx", "rz", "cz"])
    noise.add_all_qubit_quantum_error(depolarizing_error(0.5, 2), ["cz"])
    circuit = QuantumCircuit(2)
    circuit.x(0)
    circuit.cx(0, 1)
    circuit.measure_all()
    options = {"seed_simulator": 3, "run_options": {"noise_model": noise}}
    (pub,) = execute(aer, heard, transpile_options=SEEDED, sampler=([circuit], options))
    # A cx would have no noise.
    assert len(pub.data.meas.get_counts()) > 1


def test_a_result_beyond_the_limit_is_refused(aer: HostedBackend, heard: Any) -> None:
    pubs = [(turned(measured=True), [0.1, 0.2], 5000)]
    with pytest.raises(LimitExceededError, match=r"limits\.result_bytes"):
        execute(aer, heard, result_limit_bytes=100, sampler=(pubs, {}))
