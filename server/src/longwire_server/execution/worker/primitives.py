"""Runs the pubs of a sampler or an estimator on a hosted backend."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from qiskit.circuit import QuantumCircuit
from qiskit.primitives import BaseEstimatorV2, BaseSamplerV2
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit.primitives.containers.sampler_pub import SamplerPub
from qiskit.quantum_info import SparseObservable

from longwire.codecs.encoded_result import pack_result
from longwire.codecs.primitive_options import (
    estimator_options_from_proto,
    sampler_options_from_proto,
)
from longwire.codecs.pubs import estimator_spec_from_proto, sampler_spec_from_proto
from longwire.errors import (
    InvalidOptionError,
    InvalidProgramError,
    JobFailedError,
    LimitExceededError,
    LongwireError,
)
from longwire.v1.job_pb2 import JobSpec
from longwire.v1.result_pb2 import EncodedResult
from longwire_server.backends.hosted_backend import HostedBackend
from longwire_server.execution.worker.hosted_primitive import HostedPrimitive, Pub
from longwire_server.execution.worker.listener import AttemptListener
from longwire_server.execution.worker.pub_runner import PubRunner, pub_error

# Options of a run that a primitive sets itself, and what takes their place.
_OF_SAMPLERS: Final[Mapping[str, str]] = {
    "memory": "a sampler always has the outcome of every shot",
    "parameter_binds": "a pub has its values",
    "shots": "a pub has its shots, or default_shots is an option of the sampler",
}
_OF_ESTIMATORS: Final[Mapping[str, str]] = {
    "memory": "an estimator does not return it",
    "parameter_binds": "a pub has its values",
}


def run_primitive(
    backend: HostedBackend,
    spec: JobSpec,
    circuits: Sequence[QuantumCircuit],
    listener: AttemptListener,
) -> EncodedResult:
    """Runs the pubs of a job.

    They are run as the backend's own sampler or estimator runs them where it has
    one, and as Qiskit's ``BackendSamplerV2`` or ``BackendEstimatorV2`` otherwise.
    Equal seeds give what these give in one run, although pubs that are finished
    are told before the others.

    Args:
        backend: the backend.
        spec: the job.
        circuits: those of its program, transpiled where it asks for that.
        listener: is told of finished pubs.

    Returns:
        An encoded PrimitiveResult.

    Raises:
        LongwireError: a pub or an option cannot be run, or the run failed. The
            message names the pub.
    """
    transpiled = range(len(circuits)) if spec.HasField("transpile") else ()
    pubs: Sequence[Pub]
    if spec.WhichOneof("primitive") == "sampler":
        options = _checked(sampler_options_from_proto(spec.sampler.options), _OF_SAMPLERS, backend)
        pubs = sampler_spec_from_proto(spec.sampler, circuits, transpiled)
        primitive = _sampler(backend, options)
    else:
        options = _checked(
            estimator_options_from_proto(spec.estimator.options), _OF_ESTIMATORS, backend
        )
        pubs = estimator_spec_from_proto(spec.estimator, circuits, transpiled)
        primitive = _estimator(backend, options)
    _check_pubs(backend, primitive, pubs)
    runner = PubRunner(primitive, pubs, listener)
    result = runner.run()
    if primitive.is_own:
        # It has run them past the backend, which counts the shots of all others.
        backend.budget.shots_run += runner.sampled_shots
    return pack_result(result)


def _checked(
    options: dict[str, Any], refused: Mapping[str, str], backend: HostedBackend
) -> dict[str, Any]:
    """The options of a primitive, with the run options that the backend takes."""
    run_options = dict(options.pop("run_options", {}))
    for name, hint in refused.items():
        if run_options.get(name) is not None:
            raise InvalidOptionError(f"{name} is not an option for the backend here: {hint}")
    checked = backend.checked_options(run_options)
    # Where Aer's primitives have it.
    seed = checked.pop("seed_simulator", None)
    if seed is not None:
        options.setdefault("seed_simulator", seed)
    backend.checked_options({"seed_simulator": options.get("seed_simulator")})
    if checked:
        options["run_options"] = checked
    return options


def _sampler(backend: HostedBackend, options: Mapping[str, Any]) -> HostedPrimitive:
    own = getattr(backend.driver, "sampler", None)
    if callable(own):
        return _own_primitive(backend, own(dict(options)), BaseSamplerV2)
    if _is_aer_simulator(backend.driver):
        from longwire_server.execution.worker.aer_primitives import aer_sampler

        return aer_sampler(backend, options)
    from longwire_server.execution.worker.backend_primitives import backend_sampler

    return backend_sampler(backend, options)


def _estimator(backend: HostedBackend, options: Mapping[str, Any]) -> HostedPrimitive:
    own = getattr(backend.driver, "estimator", None)
    if callable(own):
        return _own_primitive(backend, own(dict(options)), BaseEstimatorV2)
    if _is_aer_simulator(backend.driver):
        from longwire_server.execution.worker.aer_primitives import aer_estimator

        return aer_estimator(backend, options)
    from longwire_server.execution.worker.backend_primitives import backend_estimator

    return backend_estimator(backend, options)


def _own_primitive(backend: HostedBackend, primitive: Any, base: type) -> HostedPrimitive:
    if not isinstance(primitive, base):
        raise JobFailedError(
            f"the driver of backend {backend.name!r} gives {type(primitive).__name__} for a "
            f"{base.__name__}; it must be corrected"
        )
    return HostedPrimitive(primitive, _stated_shots, seeds=None, takes_projectors=True, is_own=True)


def _stated_shots(pub: Pub) -> int | None:
    """The shots that a pub states; of others the driver's own primitive decides."""
    return pub.shots if isinstance(pub, SamplerPub) else None


def _is_aer_simulator(driver: object) -> bool:
    if "qiskit_aer" not in sys.modules:
        return False
    from qiskit_aer import AerSimulator

    return isinstance(driver, AerSimulator)


def _check_pubs(backend: HostedBackend, primitive: HostedPrimitive, pubs: Sequence[Pub]) -> None:
    """Refuses pubs that the backend does not take, before any is run."""
    fitting: set[int] = set()
    all_shots, all_bits = 0, 0
    for index, pub in enumerate(pubs):
        try:
            _check_points(primitive, pub)
            shots = primitive.shots_of(pub)
            if id(pub.circuit) in fitting:
                backend.check_size([pub.circuit], shots)
            else:
                backend.check_circuits([pub.circuit], shots)
                fitting.add(id(pub.circuit))
            pub_shots = (shots or 0) * math.prod(pub.shape)
            all_shots += pub_shots
            all_bits += pub_shots * pub.circuit.num_clbits
            backend.budget.bounds.check_shots(all_shots, all_bits)
        except LimitExceededError as error:
            if isinstance(pub, EstimatorPub) and error.details.get("limit") == "max_shots":
                error.message += "; ask for a larger precision"
            raise pub_error(index, pub, error) from error
        except LongwireError as error:
            raise pub_error(index, pub, error) from error


def _check_points(primitive: HostedPrimitive, pub: Pub) -> None:
    values = pub.parameter_values
    if 0 in pub.shape:
        raise InvalidProgramError(f"its shape {pub.shape} has no points; give it at least one")
    if not primitive.takes_bare_shapes and not values.data and math.prod(values.shape) > 1:
        raise InvalidProgramError(
            f"its values have the shape {values.shape}, but the circuit has no parameters: Aer "
            "would run one point alone. Give it as several pubs"
        )
    if isinstance(pub, EstimatorPub) and not primitive.takes_projectors:
        _check_paulis(pub)


def _check_paulis(pub: EstimatorPub) -> None:
    are_paulis = _are_paulis()
    for observable in pub.observables.sparse_observables_array().ravel():
        if not are_paulis[observable.bit_terms].all():
            raise InvalidProgramError(
                "its observables hold projectors (0, 1, +, -, r or l), and the estimator of this "
                "backend takes Paulis alone; convert them with SparseObservable.as_paulis()"
            )


@cache
def _are_paulis() -> npt.NDArray[np.bool_]:
    """Whether an operator on one qubit is a Pauli, by Qiskit's number for it."""
    numbers = np.zeros(256, dtype=np.bool_)
    for term in SparseObservable.BitTerm:
        numbers[term.value] = term.label in "XYZ"
    return numbers
