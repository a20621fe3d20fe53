"""The file of --output: refused before a job runs, or written whole."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
from qiskit import QuantumCircuit
from qiskit.result import Result
from qiskit_aer import AerSimulator

from longwire.cli.circuits_report import CircuitsReport
from longwire.cli.command_error import CommandError
from longwire.cli.outcome import CircuitOutcome
from longwire.cli.output_file import check_output, check_output_of, write_output
from longwire.cli.picture import draw_histograms
from longwire.codecs.result import encode_result
from longwire.v1.job_pb2 import Job, JobKind

MAGIC = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}


@pytest.fixture(scope="module")
def result() -> Result:
    circuit = QuantumCircuit(2, 2, name="bell $x$")
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.save_statevector()
    circuit.measure([0, 1], [0, 1])
    return AerSimulator(max_parallel_threads=1).run(circuit, seed_simulator=1).result()


@pytest.mark.parametrize("ending", list(MAGIC))
def test_picture_is_written_in_the_format_of_its_ending(
    tmp_path: Path, result: Result, ending: str
) -> None:
    path = tmp_path / f"bell{ending}"
    write_output(path, CircuitsReport(Job(), encode_result(result)))
    assert path.read_bytes().startswith(MAGIC[ending])


def test_picture_of_many_circuits_and_outcomes_is_written(tmp_path: Path) -> None:
    narrow = CircuitOutcome("narrow", True, 3, None, {"0": 1, "1": 2}, None, ("counts",))
    counts = {f"{value:0100b}": value + 1 for value in range(40)}
    wide = CircuitOutcome("wide", True, None, None, counts, None, ("counts",))
    path = tmp_path / "many.png"
    draw_histograms((wide, *[narrow] * 24), path)
    assert path.stat().st_size > 0


def test_picture_of_a_result_without_counts_is_written(tmp_path: Path) -> None:
    write_output(tmp_path / "none.png", CircuitsReport(Job(), encode_result(Result())))
    assert (tmp_path / "none.png").stat().st_size > 0


def test_json_holds_the_results_dictionary_with_complex_numbers_as_pairs(
    tmp_path: Path, result: Result
) -> None:
    path = tmp_path / "bell.json"
    write_output(path, CircuitsReport(Job(), encode_result(result, job_id="1234")))
    document = json.loads(path.read_text())
    (circuit,) = document["results"]
    assert document["job_id"] == "1234"
    assert circuit["header"]["name"] == "bell $x$"
    assert circuit["data"]["counts"] == result.data()["counts"]
    amplitudes = result.data()["statevector"].data
    assert circuit["data"]["statevector"] == [[value.real, value.imag] for value in amplitudes]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("a.gif", "OUTPUT_KIND_UNKNOWN"),
        ("a", "OUTPUT_KIND_UNKNOWN"),
        ("missing/a.png", "OUTPUT_NOT_WRITABLE"),
        ("folder.json", "OUTPUT_NOT_WRITABLE"),
    ],
)
def test_output_that_cannot_be_written_is_refused_before(
    tmp_path: Path, name: str, reason: str
) -> None:
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(CommandError) as caught:
        check_output(tmp_path / name)
    assert caught.value.reason == reason
    assert str(tmp_path / name) in caught.value.message


def test_picture_without_matplotlib_is_refused_with_the_extra_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(CommandError, match=r"longwire\[plot\]") as caught:
        check_output(tmp_path / "a.png")
    assert caught.value.reason == "PLOT_MISSING"
    check_output(tmp_path / "a.json")


def test_picture_of_an_estimators_result_is_refused_and_a_document_is_not() -> None:
    estimated = Job(job_id="12", kind=JobKind.JOB_KIND_ESTIMATOR)
    with pytest.raises(CommandError, match=r"job 12 is an estimator's.*\.json") as caught:
        check_output_of(Path("a.png"), estimated)
    assert caught.value.reason == "OUTPUT_KIND_UNKNOWN"
    check_output_of(Path("a.json"), estimated)
    check_output_of(Path("a.png"), Job(kind=JobKind.JOB_KIND_SAMPLER))
