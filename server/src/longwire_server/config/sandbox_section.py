"""What the processes of a pool may reach of the machine: a part of ``[[pool]]``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, field_validator

from longwire_server.config.section import Section

Paths: TypeAlias = Annotated[tuple[Annotated[Path, Field(strict=False)], ...], Field(strict=False)]


class SandboxSection(Section):
    """The settings of ``[[pool]]`` that keep a worker from what is not its own."""

    # Whether a worker that has run a job of one tenant may run one of another. With
    # "tenant" it is replaced, and the pool keeps one process more at hand.
    isolation: Literal["shared", "tenant"] = Field(default="shared", examples=["'shared'"])
    # What happens where the kernel cannot enforce what is below: "auto" warns,
    # "required" does not start; "off" enforces none of it.
    sandbox: Literal["auto", "required", "off"] = Field(default="auto", examples=["'auto'"])
    # Whether the processes may use the network. None: not where all backends of the
    # pool are simulators and device models of Longwire, Qiskit and Aer.
    network: bool | None = Field(default=None, examples=["false"])
    # Whether they may start processes. None: as for the network.
    subprocesses: bool | None = Field(default=None, examples=["false"])
    # Files and directories that they may read, beside Python's and the system's own.
    paths_read: Paths = Field(default=(), examples=["['/etc/lab/calibration']"])
    # Files and directories that they may read and write.
    paths_write: Paths = Field(default=(), examples=["['/dev/ttyUSB0']"])
    # Processor time of one attempt over all its threads, in seconds. None: the
    # pool's time_limit_seconds for each of its threads.
    processor_seconds: float | None = Field(default=None, gt=0, examples=["3600"])

    @field_validator("paths_read", "paths_write")
    @classmethod
    def _are_absolute(cls, paths: tuple[Path, ...]) -> tuple[Path, ...]:
        expanded = tuple(path.expanduser() for path in paths)
        for path in expanded:
            if not path.is_absolute():
                raise ValueError(f"{str(path)!r} is relative; write a path from / or ~")
        return expanded
