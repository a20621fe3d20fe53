"""What a loaded backend tells about itself."""

from __future__ import annotations

from dataclasses import dataclass

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
    """

    backend: Backend
    configuration: QasmBackendConfiguration
    properties: BackendProperties | None
