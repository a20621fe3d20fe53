"""qiskit.result.Result as a message, with nothing lost but the backend's own job id."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, TypeGuard

from longwire.codecs.counts import (
    fill_counts,
    fill_memory,
    measured_bits,
    read_counts,
    read_memory,
)
from longwire.codecs.encoded_result import pack_result, unpack_result
from longwire.codecs.failure import MisfitError
from longwire.codecs.received_result import ResultAsSent
from longwire.codecs.value import fill_struct_quickly, fill_value, read_struct, read_value
from longwire.v1 import program_pb2, result_pb2, value_pb2

if TYPE_CHECKING:
    from qiskit.result import Result
    from qiskit.result.models import ExperimentResult, ExperimentResultData

__all__ = ["decode_result", "encode_result", "result_from_proto", "result_to_proto"]

_UINT64_BOUND = 2**64
_RESULT_MEMBERS = frozenset(
    {"backend_name", "backend_version", "job_id", "success", "results", "date", "status", "header"}
)
_EXPERIMENT_MEMBERS = frozenset(
    {"shots", "success", "data", "meas_level", "header", "status", "seed", "meas_return"}
)


def encode_result(
    result: Result,
    *,
    counts_format: program_pb2.CountsFormat.ValueType = program_pb2.COUNTS_FORMAT_COMPACT,
    job_id: str | None = None,
) -> result_pb2.EncodedResult:
    """A result in the form in which it is stored and sent.

    Args:
        result: what the backend returned.
        counts_format: how counts are written.
        job_id: replaces the backend's own id for the job.

    Raises:
        CodecError: see :func:`result_to_proto`, or it is larger than 2 GiB.
    """
    return pack_result(result_to_proto(result, counts_format=counts_format, job_id=job_id))


def decode_result(encoded: ResultAsSent) -> Result:
    """The result that :func:`encode_result` was given.

    Raises:
        CodecError: the bytes are not those that were sent, or not a result.
    """
    return result_from_proto(read_encoded_result(encoded))


def read_encoded_result(encoded: ResultAsSent) -> result_pb2.Result:
    """The message in an encoded result, for readers without Qiskit.

    Raises:
        CodecError: the bytes are not those that were sent, or not a result.
    """
    return unpack_result(encoded, result_pb2.Result)


def result_to_proto(
    result: Result,
    *,
    counts_format: program_pb2.CountsFormat.ValueType = program_pb2.COUNTS_FORMAT_COMPACT,
    job_id: str | None = None,
) -> result_pb2.Result:
    """The message for a result; the arguments are :func:`encode_result`'s.

    Raises:
        CodecError: something in the result cannot be represented; the message
            gives the place, as ``results[0].data.snapshot``.
    """
    message = result_pb2.Result()
    try:
        _fill_result(message, result, counts_format, job_id)
    except MisfitError as misfit:
        raise misfit.as_codec_error() from misfit.__cause__
    return message


def result_from_proto(message: result_pb2.Result) -> Result:
    """The result of a message.

    Raises:
        CodecError: the message contradicts itself; the error gives the place.
    """
    try:
        return _read_result(message)
    except MisfitError as misfit:
        raise misfit.as_codec_error() from misfit.__cause__


def _fill_result(
    message: result_pb2.Result,
    result: Result,
    counts_format: program_pb2.CountsFormat.ValueType,
    job_id: str | None,
) -> None:
    metadata = _metadata_of(result, _RESULT_MEMBERS)
    _fill_text(message, "backend_name", result.backend_name, metadata)
    _fill_text(message, "backend_version", result.backend_version, metadata)
    _fill_text(message, "status", result.status, metadata)
    _fill_text(message, "job_id", result.job_id if job_id is None else job_id, metadata)
    _fill_bool(message, "success", result.success, metadata)
    _fill_header(message, result.header, metadata)
    if result.date is not None:
        _fill_member(message.date, "date", result.date)
    for index, experiment in enumerate(result.results or ()):
        try:
            _fill_experiment(message.results.add(), experiment, counts_format)
        except MisfitError as misfit:
            raise misfit.inside(f".results[{index}]") from misfit.__cause__
    _fill_metadata(message, metadata)


def _fill_experiment(
    message: result_pb2.ExperimentResult,
    experiment: ExperimentResult,
    counts_format: program_pb2.CountsFormat.ValueType,
) -> None:
    metadata = _metadata_of(experiment, _EXPERIMENT_MEMBERS)
    # The model sets only the attributes that it was given, and its __getattr__
    # finds the others in the metadata: its dictionary tells them apart.
    members = vars(experiment)
    _fill_shots(message, members.get("shots"), metadata)
    _fill_bool(message, "success", members.get("success"), metadata)
    _fill_text(message, "status", members.get("status"), metadata)
    _fill_text(message, "meas_return", members.get("meas_return"), metadata)
    header = members.get("header")
    _fill_header(message, header, metadata)
    seed = members.get("seed")
    if seed is not None:
        if _is_uint64(seed):
            message.seed = seed
        else:
            metadata["seed"] = seed
    meas_level = members.get("meas_level")
    if isinstance(meas_level, int) and 0 <= meas_level <= 2:
        message.meas_level = meas_level
    else:
        metadata["meas_level"] = meas_level
    _fill_data(message, experiment.data, measured_bits(header), counts_format)
    _fill_metadata(message, metadata)


def _fill_data(
    message: result_pb2.ExperimentResult,
    data: ExperimentResultData,
    num_bits: int,
    counts_format: program_pb2.CountsFormat.ValueType,
) -> None:
    for name, value in data.to_dict().items():
        field = message.data.add(name=name)
        if name == "counts" and fill_counts(field, value, num_bits, counts_format):
            continue
        if name == "memory" and fill_memory(field, value, num_bits):
            continue
        try:
            fill_value(field.value, value)
        except MisfitError as misfit:
            raise misfit.inside(f".data.{name}") from misfit.__cause__


def _metadata_of(model: Any, members: frozenset[str]) -> dict[str, Any]:
    """The model's further members, to which those join that their fields cannot hold."""
    metadata = dict(vars(model)["_metadata"])
    for name in members & metadata.keys():
        raise MisfitError(f"its metadata holds {name}, which is a member already")
    return metadata


def _fill_metadata(message: Any, metadata: dict[str, Any]) -> None:
    if metadata:
        fill_struct_quickly(message.metadata, metadata)


def _fill_member(message: value_pb2.Value, name: str, value: object) -> None:
    try:
        fill_value(message, value)
    except MisfitError as misfit:
        raise misfit.inside(f".{name}") from misfit.__cause__


def _fill_text(message: Any, name: str, value: object, metadata: dict[str, Any]) -> None:
    if isinstance(value, str):
        setattr(message, name, value)
    elif value is not None:
        metadata[name] = value


def _fill_bool(message: Any, name: str, value: object, metadata: dict[str, Any]) -> None:
    if type(value) is bool:
        setattr(message, name, value)
    elif value is not None:
        metadata[name] = value


def _fill_header(message: Any, header: object, metadata: dict[str, Any]) -> None:
    if type(header) is dict and set(map(type, header)) <= {str}:
        message.header.SetInParent()
        try:
            fill_struct_quickly(message.header, header)
        except MisfitError as misfit:
            raise misfit.inside(".header") from misfit.__cause__
    elif header is not None:
        metadata["header"] = header


def _fill_shots(
    message: result_pb2.ExperimentResult, shots: object, metadata: dict[str, Any]
) -> None:
    if _is_uint64(shots):
        message.shot_count = shots
    elif type(shots) is tuple and len(shots) == 2 and all(map(_is_uint64, shots)):
        message.shot_range.first, message.shot_range.last = shots
        message.shot_range.SetInParent()
    else:
        metadata["shots"] = shots


def _is_uint64(value: object) -> TypeGuard[int]:
    return type(value) is int and 0 <= value < _UINT64_BOUND


@cache
def _models() -> Any:
    """qiskit.result, imported at the first result: it takes a second."""
    import qiskit.result

    return qiskit.result


def _read_result(message: result_pb2.Result) -> Result:
    members: dict[str, Any] = {"job_id": message.job_id}
    for name in ("backend_name", "backend_version", "success", "status"):
        if message.HasField(name):
            members[name] = getattr(message, name)
    if message.HasField("header"):
        members["header"] = _read_named(message.header, "header")
    if message.HasField("date"):
        try:
            members["date"] = read_value(message.date)
        except MisfitError as misfit:
            raise misfit.inside(".date") from misfit.__cause__
    members["results"] = results = []
    for index, experiment in enumerate(message.results):
        try:
            results.append(_read_experiment(experiment))
        except MisfitError as misfit:
            raise misfit.inside(f".results[{index}]") from misfit.__cause__
    return _build(_models().Result, members, message.metadata)


def _read_experiment(message: result_pb2.ExperimentResult) -> ExperimentResult:
    models = _models().models
    members: dict[str, Any] = {"data": _read_data(message)}
    shots = message.WhichOneof("shots")
    if shots == "shot_count":
        members["shots"] = message.shot_count
    elif shots == "shot_range":
        members["shots"] = (message.shot_range.first, message.shot_range.last)
    for name in ("status", "seed", "meas_return"):
        if message.HasField(name):
            members[name] = getattr(message, name)
    if message.HasField("success"):
        members["success"] = message.success
    if message.HasField("meas_level"):
        try:
            members["meas_level"] = models.MeasLevel(message.meas_level)
        except ValueError as error:
            raise MisfitError(f"{message.meas_level} is no measurement level") from error
    if message.HasField("header"):
        members["header"] = _read_named(message.header, "header")
    return _build(models.ExperimentResult, members, message.metadata, ("shots", "success"))


def _read_data(message: result_pb2.ExperimentResult) -> ExperimentResultData:
    members: dict[str, Any] = {}
    for field in message.data:
        kind = field.WhichOneof("data")
        try:
            if kind == "counts":
                members[field.name] = read_counts(field.counts)
            elif kind == "memory":
                members[field.name] = read_memory(field.memory)
            else:
                members[field.name] = read_value(field.value)
        except MisfitError as misfit:
            raise misfit.inside(f".data.{field.name}") from misfit.__cause__
    try:
        return _models().models.ExperimentResultData(**members)
    except TypeError as error:
        raise MisfitError(f"its data cannot be held by qiskit: {error}") from error


def _read_named(message: value_pb2.StructValue, name: str) -> dict[str, Any]:
    try:
        return read_struct(message)
    except MisfitError as misfit:
        raise misfit.inside(f".{name}") from misfit.__cause__


def _build(
    model: Any,
    members: dict[str, Any],
    metadata: value_pb2.StructValue,
    required: tuple[str, ...] = (),
) -> Any:
    """The model from its typed members and, by name, the metadata of its message."""
    further = read_struct(metadata)
    for name in members.keys() & further.keys():
        raise MisfitError(f"it gives {name} twice, as a member and in its metadata")
    members.update(further)
    for name in required:
        members.setdefault(name, None)
    try:
        return model(**members)
    except (TypeError, _models().models.QiskitError) as error:
        raise MisfitError(f"it cannot be held by qiskit: {error}") from error
