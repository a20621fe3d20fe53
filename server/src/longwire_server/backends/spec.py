"""What a worker must know to load one backend."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class BackendSpec:
    """One backend to host, as it travels from the server to its workers.

    Attributes:
        name: the name under which it is hosted.
        target: import path of a callable that returns it, ``package.module:callable``.
        arguments: keyword arguments for that callable; JSON values.
        pool: name of the pool whose workers run it.
        max_shots: most shots of one job; None leaves the backend's own limit.
        description: what clients read about it; None leaves the backend's own words.
        refresh_seconds: how often a worker describes it again; 0 for never.
        max_attempts: how often a job is begun at most, where attempts are lost.
        time_limit_seconds: longest time of one attempt; None leaves the pool's limit.
    """

    name: str
    target: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    pool: str = "default"
    max_shots: int | None = None
    description: str | None = None
    refresh_seconds: float = 0.0
    max_attempts: int = 1
    time_limit_seconds: float | None = None

    def to_json(self) -> str:
        """Returns the spec as a JSON object with the attributes' names."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Returns the spec that :meth:`to_json` wrote."""
        return cls(**json.loads(text))
