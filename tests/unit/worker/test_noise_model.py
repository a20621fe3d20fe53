"""A noise model that is sent with a job gives what a local run with it gives."""

from __future__ import annotations

from typing import Any

import pytest
from qiskit import QuantumCircuit, transpile
from qiskit_aer import AerSimulator
from qiskit_aer.noise import (
    NoiseModel,
    ReadoutError,
    depolarizing_error,
    thermal_relaxation_error,
)
from qiskit_ibm_runtime.fake_provider import FakeManilaV2

from longwire.codecs.program import program_to_proto
from longwire.codecs.result import decode_result
from longwire.codecs.run_options import run_options_to_proto
from longwire.errors import InvalidOptionError
from longwire.v1.job_pb2 import JobSpec
from longwire.v1.program_pb2 import RunOptions, TranspileOptions
from longwire.v1.result_pb2 import EncodedResult
from longwire_server.backends.loading import HostedBackend
from longwire_server.execution.frames_pb2 import ExecuteJob
from longwire_server.execution.worker import attempt
from longwire_server.execution.worker.programs import ProgramCache

OPTIONS: dict[str, Any] = {"shots": 300, "seed_simulator": 21, "memory": True}


def entangled() -> QuantumCircuit:
    circuit = QuantumCircuit(3, name="entangled")
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.cx(1, 2)
    circuit.delay(400, 2)
    circuit.measure_all()
    return circuit


def mixed() -> NoiseModel:
    model = NoiseModel(basis_gates=["sx", "rz", "h", "cx"])
    model.add_all_qubit_quantum_error(depolarizing_error(0.05, 2), ["cx"])
    model.add_quantum_error(thermal_relaxation_error(50e3, 40e3, 900), ["h"], [0])
    model.add_readout_error(ReadoutError([[0.9, 0.1], [0.2, 0.8]]), [1])
    return model


def of_device() -> NoiseModel:
    return NoiseModel.from_backend(FakeManilaV2())


def memory(backend: HostedBackend, circuit: QuantumCircuit, model: NoiseModel, **to: Any) -> Any:
    """What every shot gave, of a job as it is sent."""
    options = run_options_to_proto(noise_model=model, **OPTIONS)
    spec = JobSpec(
        program=program_to_proto(circuit),
        options=RunOptions.FromString(options.SerializeToString()),
        **to,
    )
    executed = attempt.execute(
        backend,
        ExecuteJob(),
        spec,
        programs=ProgramCache(),
        result_limit_bytes=1 << 20,
        listener=Silent(),
    )
    return decode_result(EncodedResult.FromString(executed.result)).get_memory()


class Silent:
    def running(self) -> None: ...
    def progress(self, finished: int, total: int) -> None: ...
    def pub_finished(self, result: bytes) -> None: ...


@pytest.mark.parametrize("make", [mixed, of_device], ids=["mixed", "of-device"])
def test_run_with_a_noise_model_equals_the_local_run(aer: HostedBackend, make: Any) -> None:
    model = make()
    circuit = transpile(entangled(), AerSimulator(noise_model=model), seed_transpiler=1)
    local = AerSimulator().run(circuit, noise_model=model, **OPTIONS).result()
    assert memory(aer, circuit, model) == local.get_memory()
    assert local.get_memory() != AerSimulator().run(circuit, **OPTIONS).result().get_memory()


@pytest.mark.parametrize("fixture", ["generic", "sherbrooke"])
def test_noise_model_of_a_job_replaces_that_of_the_device(
    fixture: str, request: pytest.FixtureRequest
) -> None:
    backend: HostedBackend = request.getfixturevalue(fixture)
    circuit = QuantumCircuit(1, name="flip")
    circuit.x(0)
    circuit.measure_all()
    model = NoiseModel()
    model.add_all_qubit_readout_error(ReadoutError([[0, 1], [1, 0]]))
    assert memory(backend, circuit, model) == ["0"] * 300


def test_run_with_a_noise_model_is_transpiled_for_its_operations(aer: HostedBackend) -> None:
    model = of_device()
    simulator = AerSimulator(noise_model=model)
    circuit = transpile(entangled(), simulator, seed_transpiler=4)
    local = simulator.run(circuit, **OPTIONS).result().get_memory()
    assert memory(aer, entangled(), model, transpile=TranspileOptions(seed_transpiler=4)) == local


def test_noise_model_is_refused_where_the_backend_knows_none(load: Any) -> None:
    basic = load("longwire_server.backends.hosted:basic_simulator", "basic")
    with pytest.raises(InvalidOptionError, match="'basic' has no run option 'noise_model'"):
        memory(basic, entangled(), mixed())
