"""What a loaded backend tells about itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from qiskit.transpiler import Target

from longwire.providers.models.backend_configuration import QasmBackendConfiguration
from longwire.providers.models.backend_properties import BackendProperties
from longwire.v1.backend_pb2 import Backend


@dataclass(frozen=True)
class BackendDescription:
    """A loaded backend in the models that clients read.

    Attributes:
        backend: the message, but for what the server knows better:
            ``status.pending_jobs``, ``max_program_bytes``, ``accepted_programs``.
        configuration: what does not change from day to day.
        properties: what was measured; None where nothing was.
        target: what circuits are transpiled for.
        default_options: run options by name, with what holds where a job does not
            set them; None where that is unknown.
    """

    backend: Backend
    configuration: QasmBackendConfiguration
    properties: BackendProperties | None
    target: Target
    default_options: Mapping[str, Any]


class DriverModels(NamedTuple):
    """What a driver says of itself, before name and limits of the hosting are put in.

    Attributes:
        configuration: its own configuration.
        properties: its own properties, or None.
        reported_version: its version in its own words.
    """

    configuration: QasmBackendConfiguration
    properties: BackendProperties | None
    reported_version: str
