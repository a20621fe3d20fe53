"""The records of Qiskit's classic provider interface, as ``qiskit.providers.models`` had them."""

from __future__ import annotations

from longwire.providers.models.backend_configuration import (
    BackendConfiguration,
    QasmBackendConfiguration,
)
from longwire.providers.models.backend_properties import BackendProperties
from longwire.providers.models.backend_status import BackendStatus, backend_version_xyz
from longwire.providers.models.command import Command, PulseInstruction
from longwire.providers.models.gate import Gate
from longwire.providers.models.gate_config import GateConfig
from longwire.providers.models.job_status import JobStatus
from longwire.providers.models.measurement import Discriminator, MeasurementKernel
from longwire.providers.models.nduv import Nduv
from longwire.providers.models.pulse_backend_configuration import (
    PulseBackendConfiguration,
    configuration_class,
)
from longwire.providers.models.pulse_defaults import PulseDefaults
from longwire.providers.models.pulse_library import PulseLibraryItem
from longwire.providers.models.uchannel_lo import UchannelLO

__all__ = [
    "BackendConfiguration",
    "BackendProperties",
    "BackendStatus",
    "Command",
    "Discriminator",
    "Gate",
    "GateConfig",
    "JobStatus",
    "MeasurementKernel",
    "Nduv",
    "PulseBackendConfiguration",
    "PulseDefaults",
    "PulseInstruction",
    "PulseLibraryItem",
    "QasmBackendConfiguration",
    "UchannelLO",
    "backend_version_xyz",
    "configuration_class",
]
