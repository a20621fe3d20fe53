"""A model of a device, run by Aer with the device's noise."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from qiskit.circuit import Parameter, QuantumCircuit
from qiskit.providers import BackendV2, JobV1, Options
from qiskit.transpiler import Target
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel

from longwire.providers.models.backend_configuration import QasmBackendConfiguration
from longwire.providers.models.backend_properties import BackendProperties
from longwire.providers.models.pulse_backend_configuration import configuration_class
from longwire_server.backends.fit import Site, operation_sites

__all__ = ["NoisyDevice"]


class NoisyDevice(BackendV2):
    """A device model of qiskit-ibm-runtime, run as ``AerSimulator.from_backend`` runs it.

    The noise model of a whole device is large: with 127 qubits it takes seconds to
    build, and Aer more than one second of every run to read. Here every run gets
    the noise of those operations alone that its circuits hold, which gives the
    same results from the same seed in milliseconds.

    Args:
        model: an instance of one of ``qiskit_ibm_runtime.fake_provider``'s classes.
    """

    def __init__(self, model: Any) -> None:
        super().__init__(
            name=model.name,
            description=model.description,
            backend_version=model.backend_version,
        )
        self._model = model
        self._anchor = frozenset(_kraus_sites(model.target))
        self._simulator = AerSimulator.from_backend(model, noise_model=None)
        self._options = self._simulator.options
        document = self._document(model.conf_filename)
        self._configuration = configuration_class(document).from_dict(document)
        self._properties = BackendProperties.from_dict(self._document(model.props_filename))
        self._noise_of = lru_cache(maxsize=32)(self._build_noise)

    @property
    def target(self) -> Target:
        """The device's target."""
        return self._model.target

    @property
    def max_circuits(self) -> int | None:
        """Most circuits of one job, as the device's configuration says."""
        return getattr(self._configuration, "max_experiments", None)

    @classmethod
    def _default_options(cls) -> Options:
        return AerSimulator._default_options()

    def configuration(self) -> QasmBackendConfiguration:
        """Returns the device's configuration, read from its document."""
        return self._configuration

    def properties(self) -> BackendProperties:
        """Returns the device's properties, read from their document."""
        return self._properties

    def run(
        self,
        run_input: QuantumCircuit | Sequence[QuantumCircuit],
        parameter_binds: Sequence[Mapping[Parameter, Sequence[float]]] | None = None,
        **options: Any,
    ) -> JobV1:
        """Runs circuits of the device's operations, with its noise.

        Args:
            run_input: circuits that fit the target.
            parameter_binds: values of their parameters, as ``AerSimulator.run`` takes them.
            options: options of ``AerSimulator``; a ``noise_model`` replaces the
                device's.
        """
        circuits = [run_input] if isinstance(run_input, QuantumCircuit) else list(run_input)
        if options.get("noise_model") is None:
            sites = frozenset(site for each in circuits for site in operation_sites(each))
            options["noise_model"] = self._noise_of(sites | self._anchor)
        return self._simulator.run(circuits, parameter_binds=parameter_binds, **options)

    def _build_noise(self, sites: frozenset[Site]) -> NoiseModel:
        return NoiseModel.from_backend(_PartOfDevice(self.target, sites))

    def _document(self, filename: str) -> dict[str, Any]:
        text = Path(self._model.dirname, filename).read_text(encoding="utf-8")
        document: dict[str, Any] = json.loads(text)
        return document


class _PartOfDevice(BackendV2):
    """What ``NoiseModel.from_backend`` reads of a device, reduced to some operations."""

    def __init__(self, whole: Target, sites: frozenset[Site]) -> None:
        super().__init__()
        self._target = Target(
            num_qubits=whole.num_qubits,
            dt=whole.dt,
            qubit_properties=whole.qubit_properties,
        )
        for name in whole.operation_names:
            operation = whole.operation_from_name(name)
            if isinstance(operation, type):  # control flow has no noise of its own
                self._target.add_instruction(operation, name=name)
                continue
            here = {
                qubits: properties
                for qubits, properties in (whole[name] or {}).items()
                if (name, qubits) in sites
            }
            self._target.add_instruction(operation, here, name=name)

    @property
    def target(self) -> Target:
        return self._target

    @property
    def max_circuits(self) -> None:
        return None

    @classmethod
    def _default_options(cls) -> Options:
        return Options()

    def run(self, run_input: Any, **options: Any) -> JobV1:
        raise NotImplementedError("a part of a device only lends its noise")


def _kraus_sites(target: Target) -> Iterator[Site]:
    """Yields one operation whose noise is no mixture of unitaries and resets, if there is one.

    Aer samples noise in another way when every error is such a mixture. A part
    of a device must keep to the way of the whole, or the same seed would give
    other results. Relaxation with T2 above T1 is what makes the difference
    (``qiskit_aer.noise.thermal_relaxation_error``).
    """
    for qubit, properties in enumerate(target.qubit_properties or ()):
        t1, t2 = properties.t1, properties.t2
        if t1 is None or t2 is None or t2 <= t1:
            continue
        for name in target.operation_names:
            entry = (target[name] or {}).get((qubit,))
            if name != "measure" and entry is not None and entry.duration:
                yield name, (qubit,)
                return
