"""Results of samplers and estimators read without Qiskit, and what Qiskit says of them."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qiskit.primitives import BitArray, DataBin, PrimitiveResult, PubResult, SamplerPubResult

from longwire.cli.command_error import CommandError
from longwire.cli.output_file import write_output
from longwire.cli.primitive_report import PrimitiveReport, format_value
from longwire.cli.terminal import unstyle
from longwire.codecs.encoded_result import pack_result
from longwire.codecs.primitive_result import encode_primitive_result, read_encoded_primitive_result
from longwire.errors import CodecError
from longwire.v1.job_pb2 import Job, JobKind

SAMPLER = Job(job_id="12", backend_name="aer", kind=JobKind.JOB_KIND_SAMPLER)
ESTIMATOR = Job(job_id="13", backend_name="aer", kind=JobKind.JOB_KIND_ESTIMATOR)


def random_bits(num_bits: int, *shape: int, num_shots: int = 50) -> BitArray:
    bits = np.random.default_rng(7).integers(0, 2, (*shape, num_shots, num_bits), dtype=np.uint8)
    return BitArray.from_bool_array(bits.astype(bool), order="little")


def sampled(**registers: BitArray) -> PrimitiveResult[Any]:
    shape = next(iter(registers.values())).shape
    pub = SamplerPubResult(DataBin(shape=shape, **registers), {"shots": 50})
    return PrimitiveResult([pub], {"version": 2})


def estimated(evs: Any, stds: Any, **others: Any) -> PrimitiveResult[Any]:
    evs, stds = np.asarray(evs), np.asarray(stds)
    data = DataBin(shape=evs.shape, evs=evs, stds=stds, **others)
    return PrimitiveResult([PubResult(data, {"target_precision": 0.1})])


def report_of(result: PrimitiveResult[Any], job: Job = SAMPLER) -> PrimitiveReport:
    return PrimitiveReport(job, encode_primitive_result(result))


def lines_of(result: PrimitiveResult[Any], job: Job = SAMPLER) -> list[str]:
    return list(map(unstyle, report_of(result, job).lines()))


@pytest.mark.parametrize("num_bits", [1, 8, 9, 70])
def test_document_has_the_counts_of_qiskits_bit_array(num_bits: int) -> None:
    bits = random_bits(num_bits)
    document = report_of(sampled(c=bits)).document()
    (pub,) = document["pubs"]
    assert pub["data"] == {
        "c": {"num_bits": num_bits, "num_shots": 50, "counts": bits.get_counts()}
    }
    assert (pub["shape"], pub["metadata"]) == ([], {"shots": 50})
    assert document["metadata"] == {"version": 2}
    assert document["job"]["kind"] == "sampler"
    counts = pub["data"]["c"]["counts"]
    assert list(counts) == sorted(counts)


def test_document_of_a_shaped_pub_has_counts_for_each_point_of_each_register() -> None:
    first, second = random_bits(2, 2, 3), random_bits(3, 2, 3)
    (pub,) = report_of(sampled(a=first, b=second)).document()["pubs"]
    assert pub["shape"] == [2, 3]
    for name, bits in {"a": first, "b": second}.items():
        counts = pub["data"][name]["counts"]
        for point in np.ndindex(2, 3):
            assert counts[point[0]][point[1]] == bits.get_counts(point)


def test_document_of_an_estimator_has_numbers_and_survives_json() -> None:
    evs = [[0.1, -1.0], [math.nan, 2.5]]
    stds = np.zeros((2, 2))
    document = report_of(estimated(evs, stds, phase=np.full((2, 2), 1j)), ESTIMATOR).document()
    (pub,) = json.loads(json.dumps(document, allow_nan=False))["pubs"]
    assert pub["data"] == {
        "evs": [[0.1, -1.0], [None, 2.5]],
        "stds": [[0.0, 0.0], [0.0, 0.0]],
        "phase": [[[0.0, 1.0]] * 2] * 2,
    }
    assert pub["metadata"] == {"target_precision": 0.1}


def test_file_has_the_outcome_of_every_shot_in_order(tmp_path: Path) -> None:
    bits = random_bits(9, 2)
    write_output(tmp_path / "a.json", report_of(sampled(c=bits)))
    document = json.loads((tmp_path / "a.json").read_text())
    assert (document["job_id"], document["kind"]) == ("12", "sampler")
    shots = document["pubs"][0]["data"]["c"]["bitstrings"]
    assert shots == [bits.get_bitstrings(0), bits.get_bitstrings(1)]


def test_picture_shows_each_register_at_each_point(tmp_path: Path) -> None:
    report = report_of(sampled(c=random_bits(2, 2), d=random_bits(1, 2)))
    names = [circuit.name for circuit in report.pictured()]
    assert names == ["pub 0 (0,), c", "pub 0 (1,), c", "pub 0 (0,), d", "pub 0 (1,), d"]
    write_output(tmp_path / "a.png", report)
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_pub_of_one_point_is_shown_as_a_histogram_of_each_register() -> None:
    bits = BitArray.from_counts({"00": 30, "11": 20})
    title, first, zeros, ones, second, zero, _one, end = lines_of(
        sampled(a=bits, b=bits.slice_bits([0]))
    )
    assert (title, first, second, end) == ("pub 0  50 shots", "  a, 2 bits", "  b, 1 bit", "")
    assert zeros.split()[0::2] == ["00", "30", "%"]
    assert ones.startswith("  11  ")
    assert zero.startswith("  0  ")


def test_shaped_pub_is_shown_as_a_row_of_counts_for_each_point() -> None:
    bits = BitArray.from_counts([{"00": 30, "11": 20}, {"01": 50}])
    assert lines_of(sampled(meas=bits)) == [
        "pub 0  shape (2,), 50 shots a point",
        "  POINT  meas",
        "  0      00: 30  11: 20",
        "  1      01: 50",
        "",
    ]


def test_row_of_many_outcomes_counts_the_rest_and_one_of_wide_registers_counts_all() -> None:
    counts = {f"{value:03b}": 10 + value for value in range(8)}
    narrow_row = lines_of(sampled(c=BitArray.from_counts([counts])))[2]
    assert narrow_row == "  0      100: 14  101: 15  110: 16  111: 17  4 more: 46"
    wide = BitArray.from_counts([counts], num_bits=40)
    assert lines_of(sampled(c=wide))[2] == "  0      8 outcomes of 40 bits"


def test_points_beyond_the_first_are_counted() -> None:
    lines = lines_of(estimated(np.arange(40.0), np.zeros(40)), ESTIMATOR)
    assert lines[-3].split() == ["31", "31"]
    assert lines[-2] == "  and 8 more points (--json writes all)"


def test_estimate_of_one_point_is_shown_with_its_deviation() -> None:
    assert lines_of(estimated(-1.8572750302, 0.0123), ESTIMATOR) == [
        "pub 0",
        "  evs ± stds  -1.857 ± 0.012",
        "",
    ]


def test_deviation_that_is_a_bare_number_is_shown_with_its_value() -> None:
    # So BackendEstimatorV2 gives it.
    data = DataBin(evs=np.asarray(0.625), stds=np.float64(0.0123), shape=())
    result: PrimitiveResult[Any] = PrimitiveResult([PubResult(data)])
    assert lines_of(result, ESTIMATOR) == ["pub 0", "  evs ± stds  0.625 ± 0.012", ""]
    (pub,) = report_of(result, ESTIMATOR).document()["pubs"]
    assert pub["data"] == {"evs": 0.625, "stds": 0.0123}


def test_shaped_estimate_is_shown_as_a_row_for_each_point() -> None:
    result = estimated([[0.5, -1]], [[0.02, 0]], ensemble=np.array([[0.25, 0.5]]))
    assert lines_of(result, ESTIMATOR) == [
        "pub 0  shape (1, 2)",
        "  POINT     evs ± stds  ensemble",
        "  0, 0   0.500 ± 0.020      0.25",
        "  0, 1              -1       0.5",
        "",
    ]


def test_data_of_another_shape_is_named() -> None:
    result = estimated(1.0, 0.0, extra=np.zeros((4, 2)), bits=random_bits(2, 3), text="a")
    lines = lines_of(result, ESTIMATOR)
    assert lines[-2] == "  also returned: bits, extra, text (--output FILE.json writes it)"


@pytest.mark.parametrize(
    ("value", "deviation", "text"),
    [
        (-1.8572750302, 0.0, "-1.85727503"),
        (0.5, None, "0.5"),
        (0.5, math.nan, "0.5"),
        (1.25, 0.125, "1.25 ± 0.12"),
        (0.70710678, 0.015625, "0.707 ± 0.016"),
        (1234.5, 250.0, "1234.5 ± 2.5e+02"),
        (1.0, 1e-15, "1 ± 1e-15"),
    ],
)
def test_value_is_written_to_two_digits_of_its_deviation(
    value: float, deviation: float | None, text: str
) -> None:
    assert format_value(value, deviation) == text


def test_damaged_result_is_refused_by_its_digest() -> None:
    encoded = encode_primitive_result(sampled(c=random_bits(2)))
    encoded.data = encoded.data[:-1]
    with pytest.raises(CodecError, match="digest"):
        PrimitiveReport(SAMPLER, encoded)


def test_result_that_contradicts_itself_is_refused_with_the_place() -> None:
    message = read_encoded_primitive_result(encode_primitive_result(sampled(c=random_bits(2))))
    message.pub_results[0].data.fields[0].bit_array.num_shots = 49
    with pytest.raises(CommandError, match=r"cannot be read: c: it has 50 rows") as caught:
        PrimitiveReport(SAMPLER, pack_result(message))
    assert caught.value.reason == "CODEC"
