"""What a tenant may ask for, by what the server sees without parsing a program."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Sequence

import pytest
from qiskit import QuantumCircuit, qpy

from longwire.v1.array_pb2 import Array
from longwire.v1.error_pb2 import ErrorReason
from longwire.v1.job_pb2 import JobSpec
from longwire.v1.primitive_pb2 import EstimatorPub, EstimatorSpec, SamplerPub, SamplerSpec
from longwire.v1.program_pb2 import ParameterValues, Program, ProgramFormat, RunOptions
from longwire.v1.value_pb2 import Value
from longwire_server.accounts.quotas import Quotas
from longwire_server.config.model import ServerConfig
from longwire_server.jobs.job_rates import JobRates
from longwire_server.jobs.program_payloads import heads
from longwire_server.jobs.quota_admission import (
    check_counts,
    check_program,
    num_circuits,
    stated_shots,
)
from longwire_server.refusals import RequestRefusedError

QUOTAS = dataclasses.replace(
    Quotas.of_config(ServerConfig()), program_bytes=1000, circuits=3, shots=100
)
OPENQASM3 = ProgramFormat.PROGRAM_FORMAT_OPENQASM3
QPY, QOBJ = ProgramFormat.PROGRAM_FORMAT_QPY, ProgramFormat.PROGRAM_FORMAT_QOBJ


def program(payloads: Sequence[bytes], format_: int = OPENQASM3) -> Program:
    return Program(format=format_, payloads=payloads)  # type: ignore[arg-type]


def qpy_of(num: int) -> bytes:
    file = io.BytesIO()
    qpy.dump([QuantumCircuit(1)] * num, file)
    return file.getvalue()


def points(*shape: int) -> ParameterValues:
    return ParameterValues(parameter_names=["a"], values=Array(shape=shape))


def check(spec: JobSpec) -> None:
    payloads = spec.program.payloads
    check_program(spec, heads(payloads), sum(map(len, payloads)), QUOTAS)


def refusal(spec: JobSpec) -> RequestRefusedError:
    with pytest.raises(RequestRefusedError) as caught:
        check(spec)
    assert caught.value.reason == ErrorReason.ERROR_REASON_LIMIT_EXCEEDED
    return caught.value


def test_number_of_circuits_is_read_where_the_program_says_it() -> None:
    for format_, payloads, expected in (
        (OPENQASM3, [b"a", b"b"], 2),
        (QPY, [qpy_of(5)], 5),
        (QPY, [qpy_of(5), qpy_of(2)], 7),
        (QPY, [b"QISKIT\x0d"], 0),
        (QOBJ, [b"{}"], None),
    ):
        assert num_circuits(program(payloads, format_), heads(payloads)) == expected


@pytest.mark.parametrize(
    ("spec", "quota", "asked"),
    [
        (JobSpec(program=program([b"x" * 1001])), "program_bytes", "1001"),
        (JobSpec(program=program([b"x"] * 4)), "circuits", "4"),
        (JobSpec(program=program([qpy_of(1)[:10] + b"\0" * 7 + b"\x04"], QPY)), "circuits", "4"),
        (JobSpec(program=program([b"x"]), options=RunOptions(shots=101)), "shots", "101"),
        (JobSpec(program=program([b"x"] * 3), options=RunOptions(shots=34)), "shots", "102"),
        (
            JobSpec(
                program=program([b"x", b"y"]),
                options=RunOptions(shots=10, parameter_values=[points(10, 1), points(1, 1)]),
            ),
            "shots",
            "110",
        ),
    ],
    ids=["bytes", "circuits", "circuits of a QPY", "shots", "circuits' shots", "points' shots"],
)
def test_program_beyond_a_quota_is_refused_with_its_name(
    spec: JobSpec, quota: str, asked: str
) -> None:
    error = refusal(spec)
    assert error.details["limit"] == f"quotas.{quota}"
    assert error.details["maximum"] == str(getattr(QUOTAS, quota))
    assert asked in error.message
    # Waiting does not help.
    assert error.retry_after_seconds is None


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        (JobSpec(program=program([b""] * 4, QPY)), "spec.program.payloads"),
        (JobSpec(program=Program(circuit_names=[""] * 4)), "spec.program.circuit_names"),
        (
            JobSpec(program=Program(circuit_metadata=[Value()] * 4)),
            "spec.program.circuit_metadata",
        ),
        (JobSpec(sampler=SamplerSpec(pubs=[SamplerPub()] * 4)), "spec.sampler.pubs"),
        (JobSpec(estimator=EstimatorSpec(pubs=[EstimatorPub()] * 4)), "spec.estimator.pubs"),
        (
            JobSpec(options=RunOptions(parameter_values=[ParameterValues()] * 4)),
            "spec.options.parameter_values",
        ),
    ],
    ids=["payloads", "names", "metadata", "sampler", "estimator", "sweep"],
)
def test_more_entries_than_circuits_are_refused_before_anything_reads_them(
    spec: JobSpec, field: str
) -> None:
    with pytest.raises(RequestRefusedError) as caught:
        check_counts(spec, QUOTAS)
    assert caught.value.details == {"limit": "quotas.circuits", "maximum": "3"}
    assert caught.value.message.startswith(f"{field} has 4 entries")


def test_as_many_entries_as_circuits_are_taken() -> None:
    pubs = [SamplerPub()] * 3
    check_counts(JobSpec(program=program([b""] * 3), sampler=SamplerSpec(pubs=pubs)), QUOTAS)


def test_program_at_its_quotas_is_taken() -> None:
    check(JobSpec(program=program([b"x" * 300] * 3), options=RunOptions(shots=33)))
    check(JobSpec(program=program([b"x"]), options=RunOptions(shots=100)))


def test_shots_of_pubs_are_those_of_all_their_points() -> None:
    pubs = [
        SamplerPub(shots=10, parameter_values=points(2, 3, 1)),
        SamplerPub(shots=5),
        SamplerPub(parameter_values=points(4, 1)),
    ]
    sampler = SamplerSpec(pubs=pubs)
    assert stated_shots(JobSpec(sampler=sampler), 1) == 65
    sampler.options.default_shots = 7
    assert stated_shots(JobSpec(sampler=sampler), 1) == 93
    estimator = EstimatorSpec(pubs=[EstimatorPub(precision=1e-9)])
    assert stated_shots(JobSpec(estimator=estimator), 1) == 0


def test_shots_of_more_points_than_anybody_counts_are_refused() -> None:
    values = points(*[2**64 - 1] * 60_000, 1)
    sampler = SamplerSpec(pubs=[SamplerPub(shots=1, parameter_values=values)])
    error = refusal(JobSpec(program=program([b"x"]), sampler=sampler))
    assert error.details["limit"] == "quotas.shots"


def test_rate_is_an_average_over_ten_seconds() -> None:
    rates = JobRates()
    assert [rates.take("physics", 2.0, 100.0) for _ in range(20)] == [0.0] * 20
    assert rates.take("physics", 2.0, 100.0) == pytest.approx(0.5)
    assert rates.take("chemistry", 2.0, 100.0) == 0.0
    # What is refused costs nothing, and the wait that was told is enough.
    assert rates.take("physics", 2.0, 100.5) == 0.0
    assert rates.take("physics", 2.0, 100.5) == pytest.approx(0.5)
    assert [rates.take("physics", 2.0, 200.0) for _ in range(20)] == [0.0] * 20


def test_tenant_of_less_than_a_job_in_ten_seconds_has_one_at_a_time() -> None:
    rates = JobRates()
    assert rates.take("physics", 0.05, 0.0) == 0.0
    assert rates.take("physics", 0.05, 1.0) == pytest.approx(19.0)
    assert rates.take("physics", 0.05, 20.0) == 0.0
