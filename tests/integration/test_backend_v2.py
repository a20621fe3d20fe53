"""A remote backend in the interface of Qiskit 2, used as a local one is."""

from __future__ import annotations

import asyncio
import copy
import functools
import html
import os
import pickle
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from circuits import asymmetric, bell
from line_backend import line_target
from qiskit import QuantumCircuit, transpile
from qiskit.circuit import Parameter
from qiskit.primitives import BackendEstimatorV2, BackendSamplerV2
from qiskit.providers import BackendV2, Options
from qiskit.quantum_info import SparsePauliOp
from qiskit.transpiler import generate_preset_pass_manager
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, depolarizing_error
from same_targets import assert_same_targets
from server_process import ServerProcess, configured_server, wait_until_loaded

from longwire import RemoteBackend, RemoteBackendV2, RemoteProvider, RemoteService
from longwire.errors import (
    InvalidArgumentError,
    InvalidOptionError,
    InvalidProgramError,
    LongwireError,
    ServerUnreachableError,
    UnknownOptionError,
)
from longwire.providers.models import BackendStatus

CONFIGURATION = """
[[pool]]
name = "default"
processes = 1
paths_read = [{calibration!r}]

[[backend]]
name = "line"
factory = "line_backend:LineBackend"
arguments = {{ calibration = {calibration!r}, max_circuits = 2 }}
description = "three <qubits> & no more"

[[backend]]
name = "basis"
factory = "line_backend:LineBackend"
arguments = {{ calibration = {calibration!r}, translation_plugin = "translator" }}

[[backend]]
name = "exotic"
factory = "line_backend:LineBackend"
arguments = {{ calibration = {calibration!r}, translation_plugin = "exotic_plugin" }}

[[backend]]
name = "aer_simulator"
"""


@pytest.fixture(scope="module")
def line_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with devices of a driver of ours."""
    folder = tmp_path_factory.mktemp("line")
    calibration = folder / "calibration"
    calibration.write_text("0.001")
    configuration = CONFIGURATION.format(calibration=str(calibration))
    with configured_server(folder / "server", configuration) as running:
        wait_until_loaded(running)
        yield running


@pytest.fixture
def line_service(line_server: ServerProcess) -> Iterator[RemoteService]:
    """Its backends."""
    with RemoteService(line_server.address) as opened:
        yield opened


@pytest.fixture
def line(line_service: RemoteService) -> RemoteBackendV2:
    """Three qubits, two circuits at once."""
    return line_service.backend("line")


@pytest.fixture
def simulator(service: RemoteService) -> RemoteBackendV2:
    """Aer's simulator."""
    return service.backend("aer_simulator")


def counts_of(job: Any) -> Any:
    """The counts of a job's result."""
    return job.result().get_counts()


def test_backend_tells_what_it_is(line: RemoteBackendV2, line_service: RemoteService) -> None:
    assert isinstance(line, BackendV2)
    assert (line.version, line.name, line.backend_version) == (2, "line", "3.1")
    assert line.description == "three <qubits> & no more"
    assert line.max_circuits == 2
    assert line.online_date is None
    assert line.provider is line.service is line_service
    assert_same_targets(line.target, line_target(0.001))
    assert line.num_qubits == 3
    assert line.dt == 1e-9
    assert sorted(line.operation_names) == ["cx", "measure", "rz", "sx", "x"]
    assert sorted(line.coupling_map.get_edges()) == [(0, 1), (1, 2)]
    assert line.instruction_durations.get("cx", [0, 1]) == pytest.approx(200)
    assert line.configuration().n_qubits == 3
    assert line.configuration().backend_name == "line"
    assert line.status() == BackendStatus("line", "3.1.0", True, 0, "active")
    with pytest.raises(NotImplementedError):
        line.qubit_properties(0)


def test_properties_are_those_of_the_classic_backend(
    service: RemoteService, server_address: str
) -> None:
    with RemoteProvider(server_address) as provider:
        classic = provider.get_backend("fake_sherbrooke")
        device = service.backend("fake_sherbrooke")
        assert device.properties() == classic.properties()
        assert device.configuration().to_dict() == classic.configuration().to_dict()
        assert device.online_date == classic.configuration().online_date
        t1 = device.qubit_properties(3).t1
        assert t1 == pytest.approx(classic.properties().t1(3))


def test_what_the_server_tells_cannot_be_set(line: RemoteBackendV2) -> None:
    for name in ("description", "backend_version", "online_date"):
        with pytest.raises(AttributeError, match=f"{name} is what the server tells"):
            setattr(line, name, "mine")


def test_classic_backend_leads_to_its_second_self(server_address: str) -> None:
    with RemoteProvider(server_address) as provider:
        classic = provider.get_backend("aer_simulator")
        backend = classic.to_v2()
        assert isinstance(backend, RemoteBackendV2)
        assert backend.provider is provider
        with RemoteService(server_address) as service:
            assert backend == service.backend("aer_simulator")
        assert counts_of(backend.run(transpile(bell(), backend), shots=20)).keys() <= {"00", "11"}


def test_transpile_for_a_classic_backend_is_refused_with_the_way_to_the_other(
    server_address: str,
) -> None:
    with RemoteProvider(server_address) as provider:
        classic = provider.get_backend("fake_sherbrooke")
        with pytest.raises(InvalidArgumentError, match=r"backend\.to_v2\(\)"):
            transpile(bell(), classic)


def test_default_options_are_the_servers(line: RemoteBackendV2) -> None:
    assert isinstance(line.options, Options)
    assert dict(line.options) == {"shots": 500, "seed_simulator": None, "memory": False}
    assert sum(counts_of(line.run(transpile(bell(), line))).values()) == 500


def test_options_that_are_set_go_with_every_run(line: RemoteBackendV2) -> None:
    circuit = transpile(bell(), line)
    line.set_options(shots=30, seed_simulator=7)
    first = line.run(circuit).result()
    assert first.results[0].shots == 30
    assert first.get_counts() == counts_of(line.run(circuit))
    # None leaves an option as it was set, as in Aer.
    assert first.get_counts() == counts_of(line.run(circuit, seed_simulator=None))
    assert sum(counts_of(line.run(circuit, shots=12)).values()) == 12
    assert line.options.shots == 30
    line.options.shots = 9
    line.options["memory"] = True
    assert len(line.run(circuit).result().get_memory()) == 9


def test_unknown_option_is_refused_as_qiskit_does(line: RemoteBackendV2) -> None:
    with pytest.raises(AttributeError, match=r"'line' has no option 'shotz'; did you mean shots"):
        line.set_options(shots=3, shotz=3)
    assert line.options.shots == 500
    with pytest.raises(UnknownOptionError, match="it has memory, seed_simulator, shots"):
        line.set_options(validator=3)
    with pytest.raises(InvalidOptionError, match="did you mean shots"):
        line.run(transpile(bell(), line), shotz=3)
    line.options.shotz = 3
    with pytest.raises(InvalidOptionError, match="did you mean shots"):
        line.run(transpile(bell(), line))


def test_refresh_keeps_the_options_that_were_set(line: RemoteBackendV2) -> None:
    line.set_options(shots=30)
    line.refresh()
    assert dict(line.options) == {"shots": 30, "seed_simulator": None, "memory": False}
    assert line.run(transpile(bell(), line)).result().results[0].shots == 30


def test_run_takes_one_circuit_or_many_beyond_the_limit(line: RemoteBackendV2) -> None:
    circuits = transpile([bell(f"circuit {number}") for number in range(5)], line)
    result = line.run(circuits, shots=10, job_name="five", job_tags=["many"]).result()
    assert [each.header["name"] for each in result.results] == [c.name for c in circuits]
    assert all(sum(result.get_counts(number).values()) == 10 for number in range(5))
    assert line.run(circuits[0], shots=10).result().results[0].shots == 10


def test_parameters_are_bound_by_the_server(
    simulator: RemoteBackendV2, server_address: str
) -> None:
    angle = Parameter("angle")
    circuit = QuantumCircuit(1)
    circuit.ry(angle, 0)
    circuit.measure_all()
    angles = [0.0, np.pi / 2, np.pi]
    bound = [circuit.assign_parameters({angle: value}) for value in angles]
    expected = counts_of(AerSimulator().run(bound, shots=100, seed_simulator=5))
    binds = [{angle: angles}]
    with RemoteProvider(server_address) as provider:
        for backend in (simulator, provider.get_backend("aer_simulator")):
            job = backend.run(circuit, parameter_binds=binds, shots=100, seed_simulator=5)
            counts = counts_of(job)
            assert counts[0] == expected[0] == {"0": 100}
            assert counts[2] == expected[2] == {"1": 100}
            assert set(counts[1]) == {"0", "1"}
    with pytest.raises(InvalidProgramError, match="angle"):
        simulator.run(circuit, parameter_binds=[{}])


def test_noise_model_goes_with_a_run(simulator: RemoteBackendV2, server_address: str) -> None:
    noise = NoiseModel()
    noise.add_all_qubit_quantum_error(depolarizing_error(0.2, 1), ["h", "ry"])
    circuit = transpile(asymmetric(), simulator)
    expected = counts_of(AerSimulator().run(circuit, noise_model=noise, seed_simulator=3))
    with RemoteProvider(server_address) as provider:
        for backend in (simulator, provider.get_backend("aer_simulator")):
            assert counts_of(backend.run(circuit, noise_model=noise, seed_simulator=3)) == expected
    simulator.set_options(noise_model=noise)
    assert counts_of(simulator.run(circuit, seed_simulator=3)) == expected


@pytest.mark.parametrize(
    "asked",
    [{"transpile": True}, {"optimization_level": 0}, {"initial_layout": [2, 1]}],
    ids=["transpile", "level", "layout"],
)
def test_server_transpiles_where_it_is_asked_to(
    line: RemoteBackendV2, line_server: ServerProcess, asked: dict[str, Any]
) -> None:
    with pytest.raises(LongwireError, match="'h'"):
        line.run(bell()).result()
    with RemoteProvider(line_server.address) as provider:
        for backend in (line, provider.get_backend("line")):
            counts = counts_of(backend.run(bell(), shots=50, seed_transpiler=1, **asked))
            assert set(counts) == {"00", "11"}


def test_option_of_the_operator_is_refused_as_such(line_service: RemoteService) -> None:
    simulator = line_service.backend("aer_simulator")
    for call in (simulator.set_options, functools.partial(simulator.run, bell())):
        with pytest.raises(InvalidOptionError, match="set by the server's operator: leave it out"):
            call(max_parallel_threads=4)


def test_layout_that_the_backend_has_not_fails_the_job(line: RemoteBackendV2) -> None:
    with pytest.raises(LongwireError, match="layout"):
        line.run(bell(), initial_layout=[7, 8]).result()


def test_plugin_that_the_driver_wants_is_used_by_the_transpiler(
    line_service: RemoteService,
) -> None:
    backend = line_service.backend("basis")
    assert backend.get_translation_stage_plugin() == "translator"
    assert backend.get_scheduling_stage_plugin() is None
    expected = transpile(bell(), target=line_target(0.001), seed_transpiler=1)
    assert transpile(bell(), backend, seed_transpiler=1) == expected


def test_plugin_that_is_not_installed_here_is_named_with_the_ways_out(
    line_service: RemoteService,
) -> None:
    backend = line_service.backend("exotic")
    with pytest.raises(LongwireError, match=r"'exotic_plugin'.*translation_method.*transpile=True"):
        transpile(bell(), backend)
    transpiled = transpile(bell(), backend, translation_method="translator")
    assert set(counts_of(backend.run(transpiled, shots=50))) == {"00", "11"}


def test_target_is_one_object_that_needs_no_further_call(line_server: ServerProcess) -> None:
    with RemoteService(line_server.address) as service:
        backend = service.backend("line")
        target = backend.target
        service.close()
        for level in range(4):
            transpile(bell(), backend, optimization_level=level)
            generate_preset_pass_manager(level, backend=backend).run(bell())
        assert backend.target is target
        assert backend.coupling_map is backend.coupling_map
        backend.refresh()
        with pytest.raises(ServerUnreachableError):
            _ = backend.target


def test_two_objects_of_one_backend_do_not_share_what_can_be_changed(
    line_service: RemoteService,
) -> None:
    changed, other = line_service.backend("line"), line_service.backend("line")
    changed.target.update_instruction_properties("x", (0,), None)
    assert changed.target["x"][0,] is None
    assert_same_targets(other.target, line_target(0.001))
    changed.set_options(shots=1)
    assert other.options.shots == 500
    assert changed == other


def test_threads_share_one_target_and_run_at_once(simulator: RemoteBackendV2) -> None:
    def use(seed: int) -> tuple[int, Any]:
        circuit = transpile(asymmetric(), simulator, seed_transpiler=1)
        return id(simulator.target), counts_of(simulator.run(circuit, seed_simulator=seed % 2))

    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(use, range(16)))
    assert len({target for target, _ in outcomes}) == 1
    assert all(counts == outcomes[seed % 2][1] for seed, (_, counts) in enumerate(outcomes))


def test_backend_survives_pickle_and_copy(line: RemoteBackendV2) -> None:
    line.set_options(shots=40)
    circuit = transpile(bell(), line)
    for clone in (pickle.loads(pickle.dumps(line)), copy.deepcopy(line)):
        assert clone == line
        assert hash(clone) == hash(line)
        assert clone.options.shots == 40
        assert_same_targets(clone.target, line.target)
        assert clone.target is not line.target
        assert sum(counts_of(clone.run(circuit)).values()) == 40
        clone.service.close()
    assert line.status().operational


def test_backends_are_equal_where_they_are_one(
    line_service: RemoteService, service: RemoteService
) -> None:
    here = line_service.backend("aer_simulator")
    assert here == line_service.backend("aer_simulator")
    assert here != line_service.backend("line")
    assert here != service.backend("aer_simulator")
    assert here != "aer_simulator"
    assert len({here, line_service.backend("aer_simulator")}) == 1


def test_questions_that_python_asks_by_itself_make_no_call() -> None:
    with RemoteService("localhost:1") as service:
        backend = RemoteBackendV2("away", service)
        assert not hasattr(backend, "no_such_attribute")
        assert hasattr(backend, "get_translation_stage_plugin")
        assert repr(backend) == "<RemoteBackendV2('away') from RemoteService('localhost:1')>"
        assert backend == RemoteBackendV2("away", service)
        assert pickle.loads(pickle.dumps(backend)) == backend
        with pytest.raises(ServerUnreachableError):
            _ = backend.options


def test_notebook_shows_what_the_backend_is_with_nothing_taken_for_markup(
    line: RemoteBackendV2, line_server: ServerProcess
) -> None:
    shown = line._repr_html_()
    for text in ("line", line_server.address, "operational: active", "3", "3.1"):
        assert text in shown
    assert html.escape("three <qubits> & no more") in shown
    assert "<qubits>" not in shown
    with RemoteProvider(line_server.address) as provider:
        assert provider.get_backend("line")._repr_html_() == shown


def test_notebook_shows_a_backend_whose_server_is_away(line_server: ServerProcess) -> None:
    with RemoteService("localhost:1") as service:
        shown = RemoteBackendV2("<away>", service)._repr_html_()
    assert "&lt;away&gt;" in shown
    assert "No Longwire server answers at localhost:1" in shown
    with RemoteService(line_server.address) as service:
        backend = service.backend("line")
        service.close()
        shown = backend._repr_html_()
    assert "not known: The connection was closed" in shown
    assert html.escape("three <qubits> & no more") in shown


def test_qiskits_sampler_runs_on_it(line: RemoteBackendV2) -> None:
    circuit = transpile(bell(), line)
    angles = QuantumCircuit(1, 1)
    angles.rz(Parameter("angle"), 0)
    angles.measure(0, 0)
    # Without a seed, which it then gives as None, and from a thread of its own.
    sampler = BackendSamplerV2(backend=line)
    results = sampler.run([circuit, (angles, [[0.1], [0.2], [0.3]], 20)]).result()
    assert set(results[0].data.c.get_counts()) == {"00", "11"}
    assert results[0].data.c.num_shots == 1024
    assert results[1].data.c.shape == (3,)
    assert results[1].data.c.get_counts(0) == {"0": 20}


def test_qiskits_estimator_runs_on_it(simulator: RemoteBackendV2) -> None:
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit = transpile(circuit, simulator)
    estimator = BackendEstimatorV2(backend=simulator, options={"seed_simulator": 5})
    local = BackendEstimatorV2(backend=AerSimulator(), options={"seed_simulator": 5})
    pub = (circuit, [SparsePauliOp("ZZ"), SparsePauliOp("XI")])
    values = estimator.run([pub]).result()[0].data.evs
    assert values[0] == 1
    np.testing.assert_array_equal(values, local.run([pub]).result()[0].data.evs)


def test_backend_is_used_inside_a_running_event_loop(simulator: RemoteBackendV2) -> None:
    async def notebook() -> Any:
        circuit = transpile(bell(), simulator)
        return simulator.run(circuit, shots=20).result().get_counts()

    assert set(asyncio.run(notebook())) <= {"00", "11"}


def test_forked_child_refuses_the_parents_connection(simulator: RemoteBackendV2) -> None:
    simulator.status()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            simulator.run(bell())
        except ServerUnreachableError as error:
            os.write(writer, str(error).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as told:
        assert "before this process was forked" in told.read()
    assert os.waitpid(child, 0)[1] == 0


def test_job_that_is_found_has_a_backend_that_can_be_used(line_service: RemoteService) -> None:
    job = line_service.backend("line").run(bell(), transpile=True, shots=10)
    found = line_service.job(job.job_id())
    assert isinstance(found.backend(), RemoteBackendV2)
    assert found.backend().target.num_qubits == 3
    assert sum(counts_of(found).values()) == 10


def test_classic_backends_are_equal_where_they_are_one(server_address: str) -> None:
    with RemoteProvider(server_address) as provider:
        aer = provider.get_backend("aer_simulator")
        assert aer == RemoteBackend("aer_simulator", provider)
        assert hash(aer) == hash(RemoteBackend("aer_simulator", provider))
        assert aer != provider.get_backend("basic_simulator")
        assert aer != aer.to_v2()
