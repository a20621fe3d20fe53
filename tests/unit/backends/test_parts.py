"""Backends that take a limited number of circuits at once: a job with more is run in parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit_aer import AerSimulator

from longwire.codecs.parameter_values import parameter_values_to_proto
from longwire.errors import JobFailedError
from longwire.qobj.assemble import assemble
from longwire_server.backends.loading import HostedBackend
from longwire_server.backends.parameters import Sweep
from longwire_server.backends.parts import run_starts, runs_of, seed_of_part

Load = Callable[..., HostedBackend]
DRIVERS = "unit.backends.drivers"
SEEDED = f"{DRIVERS}:SeededV2"


def flips(count: int) -> list[QuantumCircuit]:
    circuits = []
    for index in range(count):
        circuits.append(QuantumCircuit(1, 1, name=f"flip {index}"))
        circuits[-1].x(0)
        circuits[-1].measure(0, 0)
    return circuits


class Told(list[tuple[int, int]]):
    """What was told of the progress."""

    def __call__(self, finished: int, total: int) -> None:
        self.append((finished, total))


def called(hosted: HostedBackend, count: int, options: dict[str, Any]) -> list[Any]:
    """How the driver was called for each circuit, as names of the part and its options."""
    result = hosted.run(flips(count), options)
    return [each.data.called for each in result.results]


def test_run_of_more_circuits_than_fit_joins_the_results_in_order(load: Load) -> None:
    told = Told()
    result = load(SEEDED).run(flips(5), {}, on_progress=told)
    assert [each.header["name"] for each in result.results] == [f"flip {n}" for n in range(5)]
    assert result.success
    assert result.get_counts("flip 4") == {"1": 10}
    assert [each.data.called["names"] for each in result.results] == [
        ["flip 0", "flip 1"],
        ["flip 0", "flip 1"],
        ["flip 2", "flip 3"],
        ["flip 2", "flip 3"],
        ["flip 4"],
    ]
    assert told == [(2, 5), (4, 5)]


def test_run_in_parts_sums_the_times(load: Load) -> None:
    document = load(SEEDED).run(flips(5), {}).to_dict()
    assert document["time_taken"] == 1.5
    assert document["metadata"] == {"time_taken_execute": 0.75}
    assert document["date"] == "flip 4"


def test_run_that_fits_is_one_run_of_which_nothing_is_told(load: Load) -> None:
    told = Told()
    document = load(SEEDED).run(flips(2), {}, on_progress=told).to_dict()
    assert document["time_taken"] == 0.5
    assert told == []


@pytest.mark.parametrize(("options", "seed"), [({"seed_simulator": 40}, 40), ({}, 3)])
def test_parts_have_seeds_of_their_own_that_follow_from_the_jobs(
    load: Load, options: dict[str, Any], seed: int
) -> None:
    calls = called(load(SEEDED), 5, {**options, "shots": 10})
    assert [call["options"].get("seed_simulator", 3) for call in calls] == [
        seed,
        seed,
        seed_of_part(seed, 2),
        seed_of_part(seed, 2),
        seed_of_part(seed, 4),
    ]
    assert len({seed, seed_of_part(seed, 2), seed_of_part(seed, 4)}) == 3
    assert calls == called(load(SEEDED), 5, {**options, "shots": 10})


def test_parts_are_as_large_as_the_driver_itself_says(load: Load) -> None:
    hosted = load(f"{DRIVERS}:SeededWithConfigurationV2")
    assert [len(call["names"]) for call in called(hosted, 3, {})] == [2, 2, 1]
    assert hosted.describe().backend.max_circuits == 2


def test_seed_of_a_part_stays_in_the_range_of_seeds() -> None:
    assert 0 <= seed_of_part(2**63 - 1, 1000) < 2**63


def test_part_that_fails_fails_the_job_with_its_circuit(load: Load) -> None:
    circuits = flips(5)
    circuits[3].name = "broken"
    told = Told()
    with pytest.raises(JobFailedError, match=r"'broken'.*the laser is off"):
        load(SEEDED).run(circuits, {}, on_progress=told)
    assert told == [(2, 5)]


def test_parts_of_a_run_on_aer_equal_its_one_run() -> None:
    circuit = QuantumCircuit(3)
    circuit.h([0, 1, 2])
    circuit.measure_all()
    simulator = AerSimulator()
    options = {"shots": 50, "seed_simulator": 9, "memory": True}
    whole = simulator.run([circuit] * 6, **options).result()
    part = {**options, "seed_simulator": seed_of_part(9, 4)}
    rest = simulator.run([circuit] * 2, **part).result()
    assert [rest.get_memory(0), rest.get_memory(1)] == [whole.get_memory(4), whole.get_memory(5)]


def test_points_of_a_sweep_count_as_circuits(load: Load) -> None:
    angle = Parameter("angle")
    turned = QuantumCircuit(1, name="turned", global_phase=angle)
    values = parameter_values_to_proto(["angle"], np.arange(5.0).reshape(5, 1))
    nothing = parameter_values_to_proto([], np.empty((1, 0)))
    told = Told()
    result = load(SEEDED).run(
        [*flips(1), turned], {}, parameter_values=[nothing, values], on_progress=told
    )
    assert [each.header["name"] for each in result.results] == ["flip 0", *["turned"] * 5]
    assert [each.data.called["names"] for each in result.results[::2]] == [
        ["flip 0", "turned"],
        ["turned", "turned"],
        ["turned", "turned"],
    ]
    assert told == [(2, 6), (4, 6)]


def test_classic_driver_of_circuits_gets_parts(load: Load) -> None:
    told = Told()
    result = load(f"{DRIVERS}:Classic", arguments={"simulator": True}).run(
        flips(7), {"shots": 4}, on_progress=told
    )
    assert [each.header["name"] for each in result.results] == [f"flip {n}" for n in range(7)]
    assert result.get_counts(6) == {"1": 4}
    assert told == [(3, 7), (6, 7)]


def test_classic_driver_of_qobj_gets_its_document_in_parts(load: Load) -> None:
    hosted = load(f"{DRIVERS}:ClassicQobj", arguments={"simulator": True})
    told = Told()
    qobj = assemble(flips(4), qobj_id="mine", shots=9, seed_simulator=4)
    result = hosted.run(qobj, {}, on_progress=told)
    assert [each.header["name"] for each in result.results] == [f"flip {n}" for n in range(4)]
    assert [each.data.seed for each in result.results] == [4, 4, 4, seed_of_part(4, 3)]
    assert told == [(3, 4)]
    assert len(qobj.experiments) == 4
    assert qobj.config.seed_simulator == 4
    assert len(hosted.run(flips(4), {}).results) == 4


def test_qobj_on_a_driver_of_circuits_is_run_in_parts(load: Load) -> None:
    told = Told()
    result = load(SEEDED).run(assemble(flips(5), shots=10), {}, on_progress=told)
    assert [each.header["name"] for each in result.results] == [f"flip {n}" for n in range(5)]
    assert told == [(2, 5), (4, 5)]


def test_runs_of_sweeps_are_each_of_them_once_however_they_are_shared_out() -> None:
    sweeps = [
        Sweep(QuantumCircuit(1, name=str(index)), np.arange(3.0 * points).reshape(points, 3))
        for index, points in enumerate((1, 1, 5, 0, 2, 1))
    ]

    def shown(some: list[Sweep]) -> list[tuple[str, list[float]]]:
        return [(sweep.circuit.name, point) for sweep in some for point in sweep.values.tolist()]

    starts = run_starts(sweeps)
    assert starts == [0, 1, 2, 7, 7, 9, 10]
    everything = shown(sweeps)
    for first in range(10):
        for count in range(1, 11 - first):
            runs = runs_of(sweeps, starts, first, count)
            assert shown(runs) == everything[first : first + count]
            assert all(sweep.num_points for sweep in runs)
