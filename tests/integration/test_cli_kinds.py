"""The command ``longwire`` with samplers, estimators, progress, and circuits to be transpiled."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from circuits import bell
from command_line import COMMAND, SECONDS, CommandLine, read_descriptor_until, read_until
from qiskit import QuantumCircuit, qasm3, qpy, transpile
from qiskit.circuit import Parameter
from server_process import configured_server

from longwire import RemoteEstimator, RemoteSampler, RemoteService

STEPPED = """
[[pool]]
name = "default"
processes = 1

[[backend]]
name = "stepped"
factory = "stepped_backend:SteppedBackend"
"""
# Two qubits that no device couples, and a gate that no device has.
IDEAL = """
OPENQASM 3.0;
include "stdgates.inc";
qubit[12] q;
bit[2] c;
u3(0.4, 0.1, 0.2) q[0];
swap q[0], q[11];
ccx q[11], q[3], q[7];
c[0] = measure q[11];
c[1] = measure q[7];
"""


@pytest.fixture
def longwire(server_address: str, tmp_path: Path) -> Iterator[CommandLine]:
    """The command in a directory with circuits."""
    (tmp_path / "bell.qasm").write_text(qasm3.dumps(bell()))
    (tmp_path / "ideal.qasm").write_text(IDEAL)
    command_line = CommandLine(server_address, tmp_path)
    yield command_line
    command_line.close()


@pytest.fixture
def service(server_address: str) -> Iterator[RemoteService]:
    with RemoteService(server_address) as opened:
        yield opened


def rotation() -> QuantumCircuit:
    """One parametrised rotation."""
    circuit = QuantumCircuit(1, name="rotation")
    circuit.ry(Parameter("angle"), 0)
    return circuit


def test_ideal_circuit_runs_on_a_device(longwire: CommandLine) -> None:
    done = longwire("run", "ideal.qasm", "--backend", "fake_sherbrooke", "--shots", "100")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "ideal  100 shots"
    job_id = longwire("submit", "ideal.qasm", "-b", "fake_sherbrooke").stdout.strip()
    (circuit,) = longwire.json("result", job_id)["circuits"]
    assert circuit["name"] == "ideal"
    assert sum(circuit["counts"].values()) == circuit["shots"]


def test_ideal_circuit_that_is_not_to_be_transpiled_fails(longwire: CommandLine) -> None:
    code, error = longwire.error("run", "ideal.qasm", "-b", "fake_sherbrooke", "--no-transpile")
    assert code == 3
    assert error["reason"] in ("EXECUTION_FAILED", "PROGRAM_INVALID")


def test_transpiling_with_level_and_seed_gives_what_it_gives_locally(
    longwire: CommandLine, service: RemoteService
) -> None:
    backend = service.backend("fake_sherbrooke")
    local = transpile(qasm3.loads(IDEAL), backend, optimization_level=2, seed_transpiler=5)
    expected = backend.run(local, shots=200, seed_simulator=7).result().get_counts()
    how = ("--optimization-level", "2", "--seed-transpiler", "5", "--seed", "7", "--shots", "200")
    (circuit,) = longwire.json("run", "ideal.qasm", "-b", "fake_sherbrooke", *how)["circuits"]
    assert circuit["counts"] == expected


def test_circuit_that_the_device_can_run_stays_as_it_is_unless_told_otherwise(
    longwire: CommandLine, service: RemoteService
) -> None:
    # The gates undo each other, which a transpiler sees, and each adds noise.
    circuit = QuantumCircuit(1, 1, name="there and back")
    for _ in range(60):
        circuit.x(0)
    circuit.measure(0, 0)
    with (longwire.directory / "circuit.qpy").open("wb") as file:
        qpy.dump(circuit, file)
    backend = service.backend("fake_sherbrooke")
    expected = backend.run(circuit, shots=4000, seed_simulator=7).result().get_counts()
    words = ("run", "circuit.qpy", "-b", "fake_sherbrooke", "--shots", "4000", "--seed", "7")
    (untouched,) = longwire.json(*words)["circuits"]
    (optimised,) = longwire.json(*words, "--optimization-level", "2")["circuits"]
    assert untouched["counts"] == expected
    assert optimised["counts"] != expected


def test_no_transpile_with_a_level_is_a_usage_error(longwire: CommandLine) -> None:
    code, error = longwire.error("run", "bell.qasm", "--no-transpile", "--optimization-level", "1")
    assert (code, error["reason"]) == (2, "USAGE")


def test_samplers_job_is_listed_watched_and_shown_with_its_counts(
    longwire: CommandLine, service: RemoteService
) -> None:
    circuit = rotation()
    circuit.measure_all()
    sampler = RemoteSampler(service.backend("aer_simulator"), options={"seed_simulator": 3})
    job = sampler.run([(circuit, [[0.1], [3.0]]), bell()], shots=64)
    first, second = job.result()
    document = longwire.json("result", job.job_id())
    assert document["job"]["kind"] == "sampler"
    assert [pub["shape"] for pub in document["pubs"]] == [[2], []]
    meas = document["pubs"][0]["data"]["meas"]
    assert meas["counts"] == [first.data.meas.get_counts(0), first.data.meas.get_counts(1)]
    assert (meas["num_bits"], meas["num_shots"]) == (1, 64)
    assert document["pubs"][1]["data"]["c"]["counts"] == second.data.c.get_counts()
    assert longwire.json("job", job.job_id())["kind"] == "sampler"
    assert "sampler" in longwire("job", job.job_id()).stdout
    assert re.search(rf"{job.job_id()}  DONE +sampler", longwire("jobs").stdout)
    assert longwire("watch", job.job_id()).stdout.splitlines()[-2].endswith("DONE")
    text = longwire("result", job.job_id()).stdout
    assert "pub 0  shape (2,), 64 shots a point" in text
    assert "pub 1  64 shots" in text


def test_estimators_job_is_shown_with_values_and_deviations(
    longwire: CommandLine, service: RemoteService
) -> None:
    estimator = RemoteEstimator(service.backend("aer_simulator"), options={"seed_simulator": 3})
    job = estimator.run([(rotation(), ["Z", "X"], [[0.1], [3.0]])], precision=0.1)
    (expected,) = job.result()
    (pub,) = longwire.json("result", job.job_id())["pubs"]
    np.testing.assert_array_equal(pub["data"]["evs"], expected.data.evs)
    np.testing.assert_array_equal(pub["data"]["stds"], expected.data.stds)
    shown = longwire("result", job.job_id(), "--output", "values.json")
    assert "evs ± stds" in shown.stdout
    written = json.loads((longwire.directory / "values.json").read_text())
    assert (written["kind"], written["pubs"]) == ("estimator", [pub])
    code, error = longwire.error("result", job.job_id(), "--output", "values.png")
    assert (code, error["reason"]) == (1, "OUTPUT_KIND_UNKNOWN")


def test_samplers_counts_are_drawn(longwire: CommandLine, service: RemoteService) -> None:
    job = RemoteSampler(service.backend("aer_simulator")).run([bell()], shots=16)
    assert longwire("result", job.job_id(), "-o", "counts.png").returncode == 0
    assert (longwire.directory / "counts.png").read_bytes().startswith(b"\x89PNG")


@pytest.fixture(scope="module")
def stepped_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server whose backend runs one circuit at a time, each at a gate."""
    with configured_server(tmp_path_factory.mktemp("stepped"), STEPPED) as running:
        yield running.address


@pytest.fixture
def stepped(stepped_address: str, tmp_path: Path) -> Iterator[CommandLine]:
    """The command in a directory with three circuits and the directory of the gates."""
    for name in ("first", "second", "third"):
        (tmp_path / f"{name}.qasm").write_text(qasm3.dumps(bell()))
    (tmp_path / "gates").mkdir()
    command_line = CommandLine(stepped_address, tmp_path)
    yield command_line
    for number in range(3):
        (tmp_path / "gates" / str(number)).touch()
    command_line.close()


def submitted(stepped: CommandLine) -> str:
    """The id of a job of three circuits, which wait at their gates."""
    gates = f"gates={stepped.directory / 'gates'}"
    files = ("first.qasm", "second.qasm", "third.qasm")
    job_id: str = stepped.json("submit", *files, "--option", gates)["job_id"]
    return job_id


def let_through(stepped: CommandLine, number: int) -> None:
    (stepped.directory / "gates" / str(number)).touch()


def test_watch_in_a_pipe_writes_a_line_for_each_circuit_that_is_finished(
    stepped: CommandLine,
) -> None:
    job_id = submitted(stepped)
    watch = stepped.started("watch", job_id)
    let_through(stepped, 0)
    told = read_until(watch, "RUNNING  1/3", stream="stdout")
    assert stepped.json("job", job_id)["progress"] == {"finished": 1, "total": 3}
    assert "1 of 3 circuits" in stepped("job", job_id).stdout
    assert re.search(rf"{job_id}  RUNNING 1/3 +circuits", stepped("jobs").stdout)
    let_through(stepped, 1)
    told += read_until(watch, "RUNNING  2/3", stream="stdout")
    let_through(stepped, 2)
    out, err = watch.communicate(timeout=SECONDS)
    assert (watch.returncode, err) == (0, "")
    lines = (told + out).splitlines()
    assert [line.split("  ", 1)[1] for line in lines if "/3" in line][:2] == [
        "RUNNING  1/3",
        "RUNNING  2/3",
    ]
    assert lines[-2].endswith("DONE")
    assert stepped.json("job", job_id)["progress"] is None


def test_watch_begun_in_the_middle_tells_what_is_finished_already(stepped: CommandLine) -> None:
    job_id = submitted(stepped)
    let_through(stepped, 0)
    read_until(stepped.started("watch", job_id), "RUNNING  1/3", stream="stdout")
    late = stepped.started("watch", job_id)
    read_until(late, "RUNNING  1/3", stream="stdout")
    for number in (1, 2):
        let_through(stepped, number)
    assert "DONE" in late.communicate(timeout=SECONDS)[0]


def test_watch_on_a_terminal_shows_a_bar(stepped: CommandLine) -> None:
    job_id = submitted(stepped)
    ours, theirs = pty.openpty()
    environment = {**stepped.environment, "TERM": "xterm-256color", "LANG": "C.UTF-8"}
    with subprocess.Popen(
        [COMMAND, "watch", job_id], env=environment, stdout=theirs, stderr=theirs
    ) as watch:
        os.close(theirs)
        let_through(stepped, 0)
        shown = read_descriptor_until(ours, "1/3")
        for number in (1, 2):
            let_through(stepped, number)
        shown += read_descriptor_until(ours, "queued ")
        assert watch.wait(SECONDS) == 0
    os.close(ours)
    assert "━" in shown
    assert "DONE" in shown


def test_run_tells_its_progress_on_stderr(stepped: CommandLine) -> None:
    gates = f"gates={stepped.directory / 'gates'}"
    run = stepped.started("run", "first.qasm", "second.qasm", "--option", gates)
    let_through(stepped, 0)
    read_until(run, "RUNNING  1/2")
    let_through(stepped, 1)
    out, _ = run.communicate(timeout=SECONDS)
    assert run.returncode == 0
    assert out.startswith("first  1,024 shots")
