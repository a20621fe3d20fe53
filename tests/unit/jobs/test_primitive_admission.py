"""What of a sampler, an estimator or a sweep is refused by its shape."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from longwire.v1.array_pb2 import Array
from longwire.v1.error_pb2 import ErrorReason
from longwire.v1.job_pb2 import JobKind, JobSpec
from longwire.v1.primitive_pb2 import (
    EstimatorPub,
    EstimatorSpec,
    Observable,
    ObservablesArray,
    SamplerPub,
    SamplerSpec,
)
from longwire.v1.program_pb2 import ParameterValues, Program, ProgramFormat, TranspileOptions
from longwire_server.jobs.admission import AdmissionLimits, admit, check_payloads
from longwire_server.jobs.primitive_admission import job_kind
from longwire_server.refusals import RequestRefusedError

LIMITS = AdmissionLimits(program_bytes=100, queued_jobs=10, jobs_per_second=100.0)


def values(*shape: int, names: int) -> ParameterValues:
    return ParameterValues(
        parameter_names=[f"p{number}" for number in range(names)], values=Array(shape=shape)
    )


def make_spec(num_circuits: int = 2) -> JobSpec:
    program = Program(
        format=ProgramFormat.PROGRAM_FORMAT_OPENQASM3, payloads=[b"OPENQASM 3.0;"] * num_circuits
    )
    return JobSpec(backend_name="aer_simulator", program=program)


def make_sampler() -> JobSpec:
    pubs = [SamplerPub(parameter_values=values(5, 3, 2, names=2), shots=7), SamplerPub()]
    spec = make_spec()
    spec.sampler.CopyFrom(SamplerSpec(pubs=pubs))
    return spec


def make_estimator() -> JobSpec:
    observable = Observable(terms=["ZZ"], coefficients=[1])
    pubs = [
        EstimatorPub(observables=ObservablesArray(observables=[observable])),
        EstimatorPub(
            circuit_index=1,
            observables=ObservablesArray(shape=[2, 3], observables=[observable] * 6),
            parameter_values=values(2, names=2),
            precision=0,
        ),
    ]
    spec = make_spec()
    spec.estimator.CopyFrom(EstimatorSpec(pubs=pubs))
    return spec


def make_sweep() -> JobSpec:
    spec = make_spec()
    spec.options.parameter_values.extend([values(1000, 4, names=4), values(1, 0, names=0)])
    return spec


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (make_spec, JobKind.JOB_KIND_CIRCUITS),
        (make_sweep, JobKind.JOB_KIND_CIRCUITS),
        (make_sampler, JobKind.JOB_KIND_SAMPLER),
        (make_estimator, JobKind.JOB_KIND_ESTIMATOR),
    ],
)
def test_complete_spec_is_admitted_as_its_kind(
    make: Callable[[], JobSpec], kind: JobKind.ValueType
) -> None:
    admit(make(), "", LIMITS)
    assert job_kind(make()) == kind


def test_empty_options_beside_a_primitive_are_admitted() -> None:
    spec = make_sampler()
    spec.options.SetInParent()
    admit(spec, "", LIMITS)


def run_options(spec: JobSpec) -> None:
    spec.options.shots = 10


def no_sampler_pubs(spec: JobSpec) -> None:
    spec.sampler.SetInParent()


def no_estimator_pubs(spec: JobSpec) -> None:
    spec.estimator.SetInParent()


def no_shots(spec: JobSpec) -> None:
    spec.sampler.pubs[1].shots = 0


def no_default_shots(spec: JobSpec) -> None:
    spec.sampler.options.default_shots = 0


def no_shape(spec: JobSpec) -> None:
    del spec.sampler.pubs[0].parameter_values.values.shape[:]


def other_shape(spec: JobSpec) -> None:
    spec.sampler.pubs[0].parameter_values.values.shape[-1] = 3


def large_index(spec: JobSpec) -> None:
    spec.sampler.pubs[1].circuit_index = 2


def large_estimator_index(spec: JobSpec) -> None:
    spec.estimator.pubs[0].circuit_index = 2


def estimator_names(spec: JobSpec) -> None:
    spec.estimator.pubs[1].parameter_values.parameter_names.append("another")


def lost_observable(spec: JobSpec) -> None:
    del spec.estimator.pubs[1].observables.observables[0]


def no_observable(spec: JobSpec) -> None:
    spec.estimator.pubs[0].ClearField("observables")


def negative_precision(spec: JobSpec) -> None:
    spec.estimator.pubs[1].precision = -0.1


def infinite_precision(spec: JobSpec) -> None:
    spec.estimator.options.default_precision = float("inf")


def high_level(spec: JobSpec) -> None:
    spec.transpile.CopyFrom(TranspileOptions(optimization_level=4))


def three_dimensions(spec: JobSpec) -> None:
    spec.options.parameter_values[0].values.shape.insert(0, 1)


def fewer_values(spec: JobSpec) -> None:
    del spec.options.parameter_values[0]


def observables_of_many_dimensions(spec: JobSpec) -> None:
    spec.estimator.pubs[1].observables.shape[:] = [2**64 - 1] * 60_000


def observables_of_33_dimensions(spec: JobSpec) -> None:
    spec.estimator.pubs[1].observables.shape[:] = [1] * 31 + [2, 3]


def observables_beyond_counting(spec: JobSpec) -> None:
    spec.estimator.pubs[1].observables.shape[:] = [2**64 - 1] * 32


def values_of_many_dimensions(spec: JobSpec) -> None:
    spec.sampler.pubs[0].parameter_values.values.shape[:] = [2**64 - 1] * 60_000 + [2]


def values_beyond_counting(spec: JobSpec) -> None:
    spec.sampler.pubs[0].parameter_values.values.shape[:] = [2**62, 2]


@pytest.mark.parametrize(
    ("make", "spoil", "field"),
    [
        (make_sampler, run_options, "spec.options"),
        (make_spec, no_sampler_pubs, "spec.sampler.pubs"),
        (make_spec, no_estimator_pubs, "spec.estimator.pubs"),
        (make_sampler, no_shots, "spec.sampler.pubs[1].shots"),
        (make_sampler, no_default_shots, "spec.sampler.options.default_shots"),
        (make_sampler, no_shape, "spec.sampler.pubs[0].parameter_values.values.shape"),
        (make_sampler, other_shape, "spec.sampler.pubs[0].parameter_values.parameter_names"),
        (make_sampler, large_index, "spec.sampler.pubs[1].circuit_index"),
        (make_estimator, large_estimator_index, "spec.estimator.pubs[0].circuit_index"),
        (
            make_estimator,
            estimator_names,
            "spec.estimator.pubs[1].parameter_values.parameter_names",
        ),
        (make_estimator, lost_observable, "spec.estimator.pubs[1].observables.shape"),
        (make_estimator, no_observable, "spec.estimator.pubs[0].observables.shape"),
        (
            make_estimator,
            observables_of_many_dimensions,
            "spec.estimator.pubs[1].observables.shape",
        ),
        (make_estimator, observables_of_33_dimensions, "spec.estimator.pubs[1].observables.shape"),
        (make_estimator, observables_beyond_counting, "spec.estimator.pubs[1].observables.shape"),
        (
            make_sampler,
            values_of_many_dimensions,
            "spec.sampler.pubs[0].parameter_values.values.shape",
        ),
        (
            make_sampler,
            values_beyond_counting,
            "spec.sampler.pubs[0].parameter_values.values.shape",
        ),
        (make_estimator, negative_precision, "spec.estimator.pubs[1].precision"),
        (make_estimator, infinite_precision, "spec.estimator.options.default_precision"),
        (make_spec, high_level, "spec.transpile.optimization_level"),
        (make_sweep, three_dimensions, "spec.options.parameter_values[0].values.shape"),
        (make_sweep, fewer_values, "spec.options.parameter_values"),
    ],
)
def test_wrong_field_is_refused_by_its_name(
    make: Callable[[], JobSpec], spoil: Callable[[JobSpec], None], field: str
) -> None:
    spec = make()
    spoil(spec)
    with pytest.raises(RequestRefusedError) as caught:
        admit(spec, "", LIMITS)
    assert caught.value.reason == ErrorReason.ERROR_REASON_ARGUMENT_INVALID
    assert caught.value.field == field
    assert caught.value.message.startswith(f"{field}: ")
    assert len(caught.value.message) < 2_000


def test_shapes_up_to_the_limits_are_admitted() -> None:
    spec = make_estimator()
    spec.estimator.pubs[1].observables.shape[:] = [1] * 30 + [2, 3]
    admit(spec, "", LIMITS)
    spec = make_sampler()
    spec.sampler.pubs[0].parameter_values.values.shape[:] = [2**64 - 1, 0, 2]
    admit(spec, "", LIMITS)


@pytest.mark.parametrize(
    ("head", "declared", "reason"),
    [
        (b"QISKIT\x0c", 12, ErrorReason.ERROR_REASON_PROGRAM_FORMAT_UNSUPPORTED),
        (b"QISKIT\x0d", 14, ErrorReason.ERROR_REASON_ARGUMENT_INVALID),
        (b"OPENQASM", 13, ErrorReason.ERROR_REASON_PROGRAM_INVALID),
    ],
)
def test_payload_that_is_named_by_its_digest_is_checked_as_one_that_is_sent(
    head: bytes, declared: int, reason: ErrorReason.ValueType
) -> None:
    program = Program(
        format=ProgramFormat.PROGRAM_FORMAT_QPY, payloads_sha256=b"d" * 32, qpy_version=declared
    )
    spec = JobSpec(backend_name="aer_simulator", program=program)
    admit(spec, "", LIMITS)
    with pytest.raises(RequestRefusedError) as caught:
        check_payloads(spec, [head], 50, LIMITS)
    assert caught.value.reason == reason


def test_payloads_that_are_named_by_their_digest_are_measured() -> None:
    with pytest.raises(RequestRefusedError) as caught:
        check_payloads(make_spec(), [b"", b""], 101, LIMITS)
    assert caught.value.details["limit"] == "limits.program_bytes"
