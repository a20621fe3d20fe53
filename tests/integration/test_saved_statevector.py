"""``save_statevector``: the state at the end of a circuit that cannot ask for it itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from circuits import bell
from coupled_simulator import NUM_QUBITS
from qiskit import QuantumCircuit, qasm2, qasm3
from qiskit.circuit import Parameter
from qiskit.quantum_info import Statevector
from server_process import configured_server

from longwire import RemoteBackend, RemoteProvider
from longwire.errors import JobFailedError
from longwire.qobj.assemble import assemble


def state_circuit() -> QuantumCircuit:
    """Three qubits in a state that no permutation of them leaves as it is."""
    circuit = QuantumCircuit(3)
    circuit.ry(0.3, 0)
    circuit.cx(0, 1)
    circuit.rz(1.1, 1)
    circuit.rx(0.7, 2)
    circuit.cp(0.5, 2, 0)
    return circuit


@pytest.mark.parametrize("dumps", [qasm2.dumps, qasm3.dumps], ids=["openqasm 2", "openqasm 3"])
def test_state_of_a_text_is_that_of_its_circuit(aer: RemoteBackend, dumps: object) -> None:
    assert callable(dumps)
    result = aer.run(dumps(state_circuit()), save_statevector=True).result()
    assert np.allclose(result.get_statevector(), Statevector(state_circuit()))


def test_state_of_a_circuit_comes_with_its_counts(aer: RemoteBackend) -> None:
    circuit = bell()
    result = aer.run(circuit, shots=1, seed_simulator=3, save_statevector=True).result()
    [outcome] = result.get_counts()
    assert np.allclose(np.abs(result.get_statevector()), np.eye(4)[int(outcome, 2)])
    # The caller's own circuit is as it was.
    assert "save_statevector" not in circuit.count_ops()


def test_state_is_saved_at_every_point_of_a_sweep_and_after_transpiling(
    aer: RemoteBackend,
) -> None:
    angle = Parameter("angle")
    circuit = state_circuit()
    circuit.ry(angle, 2)
    binds = [{angle: [0.1, 0.2]}]
    result = aer.run(
        circuit, parameter_binds=binds, save_statevector=True, optimization_level=1
    ).result()
    for index, value in enumerate([0.1, 0.2]):
        expected = Statevector(circuit.assign_parameters({angle: value}))
        assert expected.equiv(result.get_statevector(index))


def test_many_circuits_that_several_workers_share_have_their_states(aer: RemoteBackend) -> None:
    circuits = []
    for number in range(40):
        circuit = state_circuit()
        circuit.ry(number / 7, 1)
        circuits.append(circuit)
    result = aer.run(circuits, save_statevector=True).result()
    for index, circuit in enumerate(circuits):
        assert np.allclose(result.get_statevector(index), Statevector(circuit))


def test_program_that_is_sent_again_without_the_option_has_no_state(aer: RemoteBackend) -> None:
    text = qasm3.dumps(bell())
    for saves in (True, False, True):
        data = aer.run(text, shots=10, save_statevector=saves).result().data()
        assert ("statevector" in data) is saves


def test_backend_that_saves_no_states_says_so(provider: RemoteProvider) -> None:
    backend = provider.get_backend("basic_simulator")
    job = backend.run(bell(), save_statevector=True)
    with pytest.raises(JobFailedError, match="basic_simulator cannot save states") as caught:
        job.result()
    assert caught.value.reason == "OPTION_INVALID"


def test_qobj_is_told_to_say_itself_what_is_saved(aer: RemoteBackend) -> None:
    qobj = assemble(bell())
    with pytest.raises(JobFailedError, match="a Qobj has an instruction save_statevector"):
        aer.run(qobj, save_statevector=True).result()


def test_state_of_qubits_that_transpiling_has_moved_is_not_told_as_the_circuits(
    tmp_path: Path,
) -> None:
    config = '[[backend]]\nname = "line"\nfactory = "coupled_simulator:coupled_simulator"\n'
    with (
        configured_server(tmp_path, config) as server,
        RemoteProvider(server.address, tls=False) as provider,
    ):
        line = provider.get_backend("line")
        whole = QuantumCircuit(NUM_QUBITS)
        whole.ry(0.3, 0)
        whole.cx(0, 1)
        whole.rx(0.7, 3)
        run = line.run(whole, save_statevector=True, optimization_level=0)
        assert Statevector(whole).equiv(run.result().get_statevector())
        for circuit, layout in [(whole, [3, 2, 1, 0]), (state_circuit(), [0, 1, 2])]:
            job = line.run(circuit, save_statevector=True, initial_layout=layout)
            with pytest.raises(JobFailedError, match="without a coupling map") as caught:
                job.result()
            assert caught.value.reason == "OPTION_INVALID"
