"""The section ``[quotas]`` of the configuration."""

from __future__ import annotations

from pydantic import Field

from longwire_server.config.section import Count, Section


class QuotasSection(Section):
    """``[quotas]``: what each tenant may ask for, where nothing else is set for it."""

    # Jobs that wait or run at once.
    unfinished_jobs: Count = Field(default=50_000, examples=["50_000"])
    # Jobs that it may submit in a second, on average over ten.
    jobs_per_second: float = Field(default=2000.0, gt=0, examples=["2000"])
    # Bytes of one program. None: as [limits] has it.
    program_bytes: Count | None = Field(default=None, examples=["33_554_432"])
    # Circuits of one job.
    circuits: Count = Field(default=100_000, examples=["100_000"])
    # Qubits of one circuit.
    qubits: Count = Field(default=10_000, examples=["10_000"])
    # Shots of a job: of all its circuits together.
    shots: Count = Field(default=1_000_000_000, examples=["1_000_000_000"])
    # How long an attempt at a job may take, in seconds. None: as long as its backend
    # and its pool allow.
    run_seconds: float | None = Field(default=None, gt=0, examples=["3600"])
