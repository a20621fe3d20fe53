"""Running circuits and Qobj on hosted drivers of the classic interface."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from qiskit import QuantumCircuit

from longwire.errors import (
    InvalidOptionError,
    InvalidProgramError,
    InvalidQobjError,
    LimitExceededError,
)
from longwire.qobj import QasmQobj
from longwire.qobj.assemble import assemble
from longwire_server.backends.loading import HostedBackend

Load = Callable[..., HostedBackend]
DRIVERS = "unit.backends.drivers"


def pair(name: str = "pair") -> QuantumCircuit:
    circuit = QuantumCircuit(2, 2, name=name)
    circuit.x(0)
    circuit.cx(0, 1)
    circuit.measure([0, 1], [0, 1])
    return circuit


def test_run_gives_a_driver_circuits_and_its_own_options(load: Load) -> None:
    result = load(f"{DRIVERS}:Classic").run([pair("a"), pair("b")], {"colour": "blue"})
    assert result.header == {"shots": 5, "colour": "blue", "names": ["a", "b"]}


def test_run_with_an_option_that_the_driver_lacks_is_refused(load: Load) -> None:
    with pytest.raises(InvalidOptionError, match="did you mean 'colour'"):
        load(f"{DRIVERS}:Classic").run([pair()], {"color": "blue"})
    with pytest.raises(InvalidOptionError, match="outcome of every shot"):
        load(f"{DRIVERS}:Classic").run([pair()], {"memory": True})
    with pytest.raises(InvalidOptionError, match="at least 1"):
        load(f"{DRIVERS}:Classic").run([pair()], {"shots": 0})
    assert load(f"{DRIVERS}:Classic").run([pair()], {"memory": False}).success


def test_run_gives_a_driver_with_keywords_every_option(load: Load) -> None:
    hosted = load(f"{DRIVERS}:ClassicWithAnyOption")
    assert hosted.run([pair()], {"shots": 3, "phase": 0.5}).header == {"shots": 3, "phase": 0.5}


def test_run_keeps_to_the_drivers_configuration(load: Load) -> None:
    hosted = load(f"{DRIVERS}:Classic")
    turned, gate = QuantumCircuit(2, name="turned"), QuantumCircuit(2, name="gate")
    turned.cx(1, 0)
    gate.h(0)
    with pytest.raises(InvalidProgramError, match=r"'turned'.*'cx' on qubits \(1, 0\)"):
        hosted.run([turned], {})
    with pytest.raises(InvalidProgramError, match=r"'gate'.*'h'"):
        hosted.run([gate], {})
    with pytest.raises(LimitExceededError, match="max_shots is 100"):
        hosted.run([pair()], {"shots": 101})
    with pytest.raises(LimitExceededError, match="n_qubits is 2"):
        hosted.run([QuantumCircuit(3)], {})
    free = load(f"{DRIVERS}:Classic", arguments={"simulator": True})
    assert free.run([turned, gate], {}).success


def test_run_gives_a_driver_of_the_old_interface_a_qobj(load: Load) -> None:
    hosted = load(f"{DRIVERS}:ClassicQobj")
    result = hosted.run([pair("a"), pair("b")], {"shots": 6, "noise": "loud"})
    assert result.get_counts("b") == {"01": 6}
    assert result.header["noise"] == "loud"
    assert result.header["config"]["shots"] == 6


def test_run_passes_a_qobj_on_with_the_options_of_the_run(load: Load) -> None:
    hosted = load(f"{DRIVERS}:ClassicQobj")
    qobj = assemble([pair("a")], qobj_id="mine", shots=9, seed_simulator=4)
    before = qobj.to_dict()
    result = hosted.run(qobj, {"shots": 8, "noise": "low"})
    assert result.job_id == "mine"
    assert result.header["config"]["shots"] == 8
    assert result.header["config"]["seed_simulator"] == 4
    assert result.header["noise"] == "low"
    assert qobj.to_dict() == before
    with pytest.raises(LimitExceededError, match="max_shots"):
        hosted.run(assemble([pair()], shots=1000), {})


def test_run_of_a_qobj_on_a_driver_of_circuits_converts_it(load: Load) -> None:
    result = load(f"{DRIVERS}:Classic").run(assemble([pair("a"), pair("b")], shots=9), {})
    assert result.header["shots"] == 9
    assert result.get_counts("b") == {"01": 9}


def qobj_document(**config: Any) -> dict[str, Any]:
    """Two experiments, the second with a number of shots of its own."""

    def experiment(name: str, qubit: int, **options: Any) -> dict[str, Any]:
        return {
            "header": {
                "name": name,
                "memory_slots": 3,
                "n_qubits": 2,
                "creg_sizes": [["c", 2], ["d", 1]],
                "qreg_sizes": [["q", 2]],
                "metadata": {"key": name},
            },
            "config": {"memory_slots": 3, "n_qubits": 2, **options},
            "instructions": [
                {"name": "x", "qubits": [qubit]},
                {"name": "measure", "qubits": [0, 1], "memory": [0, 2]},
            ],
        }

    return {
        "qobj_id": "two",
        "type": "QASM",
        "schema_version": "1.3.0",
        "header": {},
        "config": {
            "memory_slots": 3,
            "n_qubits": 2,
            "max_credits": 10,
            "init_qubits": True,
            **config,
        },
        "experiments": [experiment("zero", 0), experiment("one", 1, shots=4)],
    }


def test_run_of_a_qobj_honours_its_options_and_headers(aer: HostedBackend) -> None:
    qobj = QasmQobj.from_dict(qobj_document(shots=6, memory=True, seed_simulator=1))
    result = aer.run(qobj, {})
    assert result.get_counts("zero") == {"0 01": 6}
    assert result.get_counts("one") == {"1 00": 4}
    assert result.get_memory("one") == ["1 00"] * 4
    assert [each.header["metadata"] for each in result.results] == [{"key": "zero"}, {"key": "one"}]


def test_run_of_a_qobj_puts_the_options_of_the_run_first(aer: HostedBackend) -> None:
    result = aer.run(QasmQobj.from_dict(qobj_document(shots=6)), {"shots": 2, "memory": None})
    assert result.get_counts("zero") == {"0 01": 2}
    assert result.get_counts("one") == {"1 00": 2}


def test_run_of_a_qobj_with_an_option_that_is_unknown_is_refused(aer: HostedBackend) -> None:
    with pytest.raises(InvalidOptionError, match="'shotz'; did you mean 'shots'"):
        aer.run(QasmQobj.from_dict(qobj_document(shotz=6)), {})
    with pytest.raises(InvalidOptionError, match="operator"):
        aer.run(QasmQobj.from_dict(qobj_document(max_memory_mb=0)), {})
    with pytest.raises(InvalidOptionError, match="'init_qubits'"):
        aer.run(QasmQobj.from_dict(qobj_document(init_qubits=False)), {})


def test_run_of_a_qobj_with_a_method_of_the_circuit_is_refused(aer: HostedBackend) -> None:
    document = qobj_document()
    document["experiments"][0]["instructions"][0] = {"name": "draw", "qubits": [0]}
    with pytest.raises(InvalidQobjError, match=r"experiments\[0\]\.instructions\[0\]"):
        aer.run(QasmQobj.from_dict(document), {})
