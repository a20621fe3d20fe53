"""Whether the pubs of a sampler or an estimator can be run at all, by their shape."""

from __future__ import annotations

import math
from collections.abc import Sequence

from longwire.v1.job_pb2 import JobKind, JobSpec
from longwire.v1.primitive_pb2 import EstimatorPub, EstimatorSpec, SamplerPub, SamplerSpec
from longwire.v1.program_pb2 import ParameterValues
from longwire_server.jobs.array_shapes import check_shape
from longwire_server.refusals import argument_invalid

_KINDS: dict[str | None, JobKind.ValueType] = {
    None: JobKind.JOB_KIND_CIRCUITS,
    "sampler": JobKind.JOB_KIND_SAMPLER,
    "estimator": JobKind.JOB_KIND_ESTIMATOR,
}


def job_kind(spec: JobSpec) -> JobKind.ValueType:
    """What a job does with its circuits."""
    return _KINDS[spec.WhichOneof("primitive")]


def check_primitive(spec: JobSpec) -> None:
    """Refuses a sampler or an estimator that cannot be run. Others pass.

    Raises:
        RequestRefusedError: a field is missing or wrong.
    """
    primitive = spec.WhichOneof("primitive")
    if primitive is None:
        return
    if spec.options.ByteSize():
        raise argument_invalid(
            "spec.options",
            f"they are for circuits that are simply run; write those of spec.{primitive}.options",
        )
    if primitive == "sampler":
        _check_sampler(spec.sampler)
    else:
        _check_estimator(spec.estimator)


def check_circuit_indices(spec: JobSpec, *, num_circuits: int) -> None:
    """Refuses what names circuits that the program does not have, or too few of them.

    Raises:
        RequestRefusedError: an index is too large, or parameter values are not
            given for each circuit.
    """
    primitive = spec.WhichOneof("primitive")
    if primitive is None:
        entries = len(spec.options.parameter_values)
        if entries not in (0, num_circuits):
            raise argument_invalid(
                "spec.options.parameter_values",
                f"there are {entries} for {num_circuits} circuits; write one for each, or none",
            )
        return
    pubs: Sequence[SamplerPub | EstimatorPub] = (
        spec.sampler.pubs if primitive == "sampler" else spec.estimator.pubs
    )
    for place, pub in enumerate(pubs):
        if pub.circuit_index >= num_circuits:
            raise argument_invalid(
                f"spec.{primitive}.pubs[{place}].circuit_index",
                f"it is {pub.circuit_index}, but the program has {num_circuits} circuits, which "
                "are counted from 0",
            )


def check_parameter_values(
    field: str, values: ParameterValues, *, dimensions: int | None = None
) -> None:
    """Refuses values whose array does not fit the names.

    Args:
        field: where they are.
        values: the values.
        dimensions: how many the array has; None for any number.

    Raises:
        RequestRefusedError: it does not.
    """
    shape = values.values.shape
    if not shape:
        raise argument_invalid(
            f"{field}.values.shape", "it is empty; its last dimension is the parameters"
        )
    if dimensions is not None and len(shape) != dimensions:
        raise argument_invalid(
            f"{field}.values.shape",
            f"it has {len(shape)} dimensions; write {dimensions}, the points and the parameters",
        )
    check_shape(f"{field}.values.shape", shape)
    if shape[-1] != len(values.parameter_names):
        raise argument_invalid(
            f"{field}.parameter_names",
            f"there are {len(values.parameter_names)}, but the last dimension of the values is "
            f"{shape[-1]}",
        )


def _check_sampler(sampler: SamplerSpec) -> None:
    _check_any_pubs("spec.sampler.pubs", len(sampler.pubs))
    options = sampler.options
    if options.HasField("default_shots") and not options.default_shots:
        raise _no_shots("spec.sampler.options.default_shots")
    for place, pub in enumerate(sampler.pubs):
        field = f"spec.sampler.pubs[{place}]"
        if pub.HasField("parameter_values"):
            check_parameter_values(f"{field}.parameter_values", pub.parameter_values)
        if pub.HasField("shots") and not pub.shots:
            raise _no_shots(f"{field}.shots")


def _check_estimator(estimator: EstimatorSpec) -> None:
    _check_any_pubs("spec.estimator.pubs", len(estimator.pubs))
    if estimator.options.HasField("default_precision"):
        field = "spec.estimator.options.default_precision"
        _check_precision(field, estimator.options.default_precision)
    for place, pub in enumerate(estimator.pubs):
        field = f"spec.estimator.pubs[{place}]"
        if pub.HasField("parameter_values"):
            check_parameter_values(f"{field}.parameter_values", pub.parameter_values)
        if pub.HasField("precision"):
            _check_precision(f"{field}.precision", pub.precision)
        _check_observables(f"{field}.observables", pub)


def _check_any_pubs(field: str, number: int) -> None:
    if not number:
        raise argument_invalid(field, "there is none; send at least one")


def _no_shots(field: str) -> Exception:
    return argument_invalid(field, "it is 0; ask for at least one, or leave it out")


def _check_precision(field: str, precision: float) -> None:
    if not (math.isfinite(precision) and precision >= 0):
        raise argument_invalid(field, f"it is {precision}; write a number of at least 0")


def _check_observables(field: str, pub: EstimatorPub) -> None:
    expected = check_shape(f"{field}.shape", pub.observables.shape)
    found = len(pub.observables.observables)
    if found != expected:
        raise argument_invalid(
            f"{field}.shape",
            f"{list(pub.observables.shape)} is for {expected} observables, but there are {found}",
        )
