"""Aer's noise models as messages.

Its own dictionaries lose the basis gates and the noise of delays, and reading them is
deprecated (qiskit-aer 0.18). Here everything is kept: what a run with the model that
was read returns equals what a run with the original returns, seed by seed.

This module needs qiskit-aer; it is imported when there is a noise model to send or
to read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError
from qiskit.circuit import Operation
from qiskit_aer.noise import NoiseModel, RelaxationNoisePass
from qiskit_aer.noise.noiseerror import NoiseError

from longwire.codecs.array import fill_array, read_array
from longwire.codecs.classes import class_path, find_class
from longwire.codecs.compression import compress, decompress
from longwire.codecs.failure import MisfitError
from longwire.codecs.noise_bounds import MAX_READOUT_QUBITS
from longwire.codecs.noise_circuits import CircuitReader, CircuitWriter
from longwire.codecs.noise_errors import read_quantum_error, read_readout_error, write_quantum_error
from longwire.codecs.target import fill_target, read_target
from longwire.codecs.value import fill_value, read_value
from longwire.v1 import noise_model_pb2, value_pb2

__all__ = ["fill_noise_model", "read_noise_model"]


def fill_noise_model(encoded: value_pb2.EncodedNoiseModel, noise_model: NoiseModel) -> None:
    """Writes a ``qiskit_aer.noise.NoiseModel``.

    Raises:
        MisfitError: it holds what is code of the user's own, such as a noise pass
            with a function, or an error of a class of its own.
    """
    message = noise_model_pb2.NoiseModel(
        basis_gates=sorted(noise_model._basis_gates),
        noise_instructions=sorted(noise_model._noise_instructions),
        noise_qubits=sorted(noise_model._noise_qubits),
    )
    _fill_quantum_errors(message, noise_model)
    default = noise_model._default_readout_error
    if default is not None:
        message.all_qubit_readout_error.extend(default.probabilities.ravel())
    for qubits, error in noise_model._local_readout_errors.items():
        message.local_readout_errors.num_qubits.append(len(qubits))
        message.local_readout_errors.qubits.extend(qubits)
        message.local_readout_errors.probabilities.extend(error.probabilities.ravel())
    for index, noise_pass in enumerate(noise_model._custom_noise_passes):
        try:
            _fill_pass(message.relaxation_passes.add(), noise_pass)
        except MisfitError as misfit:
            raise misfit.inside(f".custom_noise_passes[{index}]") from misfit.__cause__
    encoded.SetInParent()
    encoded.data, encoded.compression = compress(message.SerializeToString(deterministic=True))


# Numbers too large to be checked are refused by the check, without a warning before.
@np.errstate(over="ignore", invalid="ignore")
def read_noise_model(encoded: value_pb2.EncodedNoiseModel) -> NoiseModel:
    """The ``qiskit_aer.noise.NoiseModel`` that a message holds.

    Raises:
        MisfitError: the message is damaged or contradicts itself.
    """
    try:
        message = noise_model_pb2.NoiseModel.FromString(
            decompress(encoded.data, encoded.compression)
        )
    except DecodeError as error:
        raise MisfitError(f"its bytes are no noise model: {error}") from error
    noise_model = NoiseModel()
    noise_model._basis_gates = set(message.basis_gates)
    noise_model._noise_instructions = set(message.noise_instructions)
    noise_model._noise_qubits = set(message.noise_qubits)
    _read_quantum_errors(message, noise_model)
    default = list(message.all_qubit_readout_error)
    if default:
        noise_model._default_readout_error = read_readout_error(default, 1)
    noise_model._local_readout_errors = dict(_local_readout_errors(message.local_readout_errors))
    for index, relaxation in enumerate(message.relaxation_passes):
        try:
            noise_model._custom_noise_passes.append(_read_pass(relaxation))
        except MisfitError as misfit:
            raise misfit.inside(f".relaxation_passes[{index}]") from misfit.__cause__
    return noise_model


def _fill_quantum_errors(message: noise_model_pb2.NoiseModel, noise_model: NoiseModel) -> None:
    """Writes the errors of instructions: each object once, however many sites share it."""
    circuits = CircuitWriter(message)
    places: dict[int, int] = {}

    def place_of(error: Any, instruction: str) -> int:
        if id(error) not in places:
            try:
                write_quantum_error(message.quantum_errors.add(), error, circuits)
            except MisfitError as misfit:
                raise misfit.inside(f".{instruction}") from misfit.__cause__
            places[id(error)] = len(places)
        return places[id(error)]

    for instruction, error in noise_model._default_quantum_errors.items():
        message.all_qubit_errors.add(instruction=instruction, error=place_of(error, instruction))
    for instruction, sites in noise_model._local_quantum_errors.items():
        message.local_errors.add(
            instruction=instruction,
            num_qubits=map(len, sites),
            qubits=[qubit for qubits in sites for qubit in qubits],
            errors=[place_of(error, instruction) for error in sites.values()],
        )
    circuits.finish()


def _read_quantum_errors(message: noise_model_pb2.NoiseModel, noise_model: NoiseModel) -> None:
    circuits = CircuitReader(message)
    errors = []
    for index, error in enumerate(message.quantum_errors):
        try:
            errors.append(read_quantum_error(error, circuits))
        except MisfitError as misfit:
            raise misfit.inside(f".quantum_errors[{index}]") from misfit.__cause__
    for entry in message.all_qubit_errors:
        error = _at(errors, entry.error)
        _check_width(noise_model, error, entry.instruction)
        noise_model._default_quantum_errors[entry.instruction] = error
    for local in message.local_errors:
        sites = _qubits_of_rows(local.num_qubits, local.qubits)
        if len(sites) != len(local.errors):
            raise MisfitError(f"it has {len(local.errors)} errors for {len(sites)} sites")
        noise_model._local_quantum_errors[local.instruction] = {
            qubits: _at(errors, place, len(qubits))
            for qubits, place in zip(sites, local.errors, strict=True)
        }
        for error in noise_model._local_quantum_errors[local.instruction].values():
            _check_width(noise_model, error, local.instruction)


def _at(errors: Sequence[Any], place: int, num_qubits: int | None = None) -> Any:
    if place >= len(errors):
        raise MisfitError(f"it names error {place} of {len(errors)}")
    if num_qubits is not None and errors[place].num_qubits != num_qubits:
        raise MisfitError(
            f"it has an error of {errors[place].num_qubits} qubits on {num_qubits} qubits"
        )
    return errors[place]


def _check_width(noise_model: NoiseModel, error: Any, instruction: str) -> None:
    """As Aer does when an error is added to a standard gate: its C++ does not look again."""
    try:
        noise_model._check_number_of_qubits(error, instruction)
    except NoiseError as misfit:
        raise MisfitError(str(misfit.message)) from misfit


def _local_readout_errors(
    message: noise_model_pb2.ReadoutErrors,
) -> Iterator[tuple[tuple[int, ...], Any]]:
    probabilities = np.array(message.probabilities)
    begin = 0
    for qubits in _qubits_of_rows(message.num_qubits, message.qubits):
        end = begin + 4 ** min(len(qubits), MAX_READOUT_QUBITS + 1)
        yield qubits, read_readout_error(probabilities[begin:end], len(qubits))
        begin = end
    if begin != len(probabilities):
        raise MisfitError(f"it has {len(probabilities)} probabilities where {begin} belong")


def _qubits_of_rows(num_qubits: Sequence[int], qubits: Sequence[int]) -> list[tuple[int, ...]]:
    if sum(num_qubits) != len(qubits):
        raise MisfitError(f"it has {len(qubits)} qubits where {sum(num_qubits)} belong")
    rest = iter(qubits)
    return [tuple(next(rest) for _ in range(width)) for width in num_qubits]


# What RelaxationNoisePass keeps, beside the fields that hold it.
_RELAXATION_ARRAYS = {"_t1s": "t1s", "_t2s": "t2s", "_p1s": "excited_state_populations"}


def _fill_pass(message: noise_model_pb2.RelaxationPass, noise_pass: Any) -> None:
    if type(noise_pass) is not RelaxationNoisePass:
        raise MisfitError(
            f"a {type(noise_pass).__name__} is code of your own and cannot be sent: put its "
            "errors into the noise model with add_quantum_error, or into the circuit"
        )
    for attribute, field in _RELAXATION_ARRAYS.items():
        fill_array(getattr(message, field), getattr(noise_pass, attribute))
    fill_value(message.dt, noise_pass._dt)
    message.operation_classes.extend(map(class_path, noise_pass._ops))
    if noise_pass._target is not None:
        fill_target(message.target, noise_pass._target)


def _read_pass(message: noise_model_pb2.RelaxationPass) -> RelaxationNoisePass:
    classes = []
    for path in message.operation_classes:
        found = find_class(path, Operation)
        if found is None:
            raise MisfitError(f"there is no operation {path} here")
        classes.append(found)
    noise_pass = RelaxationNoisePass(
        [],
        [],
        dt=read_value(message.dt),
        op_types=classes,
        target=read_target(message.target) if message.HasField("target") else None,
    )
    for attribute, field in _RELAXATION_ARRAYS.items():
        setattr(noise_pass, attribute, read_array(getattr(message, field)))
    return noise_pass
