"""What is checked before a job is sent, so that a mistake is told at once."""

from __future__ import annotations

import difflib

from longwire.v1.backend_pb2 import Backend
from longwire.v1.job_pb2 import JobSpec


def check_spec(spec: JobSpec, backend: Backend) -> None:
    """Refuses a job that its backend cannot take.

    The server checks again: it may have changed since it described the backend.

    Args:
        spec: the job.
        backend: what the server tells of its backend.

    Raises:
        InvalidOptionError: the backend has no such run option.
        LimitExceededError: the program is larger than the server takes.
    """
    _check_option_names(spec, backend)
    size_bytes = sum(map(len, spec.program.payloads))
    if 0 < backend.max_program_bytes < size_bytes:
        from longwire.errors import LimitExceededError

        limit = "limits.program_bytes"
        raise LimitExceededError(
            f"The program has {size_bytes} bytes; the server's limit is "
            f"{backend.max_program_bytes} ({limit}): split it into several jobs",
            reason="LIMIT_EXCEEDED",
            details={"limit": limit, "maximum": str(backend.max_program_bytes)},
        )


def _check_option_names(spec: JobSpec, backend: Backend) -> None:
    known = sorted(backend.option_names)
    for option in spec.options.backend_options.fields:
        if option.name in known:
            continue
        from longwire.errors import InvalidOptionError

        near = difflib.get_close_matches(option.name, known, n=3)
        others = ", ".join(known) or "none beside shots, memory, seed_simulator and meas_level"
        hint = f"did you mean {' or '.join(near)}?" if near else f"it knows {others}"
        raise InvalidOptionError(
            f"Backend '{backend.name}' has no run option '{option.name}'; {hint}",
            reason="OPTION_INVALID",
            details={"near": ",".join(near)},
        )
