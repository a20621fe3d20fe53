"""What one tenant may ask for at most."""

from __future__ import annotations

import dataclasses
import math
from typing import Final

from longwire.v1 import account_pb2
from longwire_server.config.model import ServerConfig
from longwire_server.refusals import argument_invalid

QUOTA_NAMES: Final = tuple(field.name for field in account_pb2.Quotas.DESCRIPTOR.fields)


@dataclasses.dataclass(frozen=True, slots=True)
class Quotas:
    """Limits that hold for a tenant, complete; the fields of longwire.v1.Quotas.

    In the configuration they are ``[quotas]``, of the same names.
    """

    unfinished_jobs: int
    """Jobs that wait or run at once."""

    jobs_per_second: float
    """Jobs that it may submit in a second, on average over ten."""

    program_bytes: int
    """Bytes of one program."""

    circuits: int
    """Circuits of one job, and pubs, payloads and so on, each counted by itself."""

    qubits: int
    """Qubits of one circuit."""

    shots: int
    """Shots of a job: of all its circuits together."""

    run_seconds: float | None
    """How long an attempt may take; None for as long as its backend and pool allow."""

    @classmethod
    def of_config(cls, config: ServerConfig) -> Quotas:
        """Those that hold for every tenant for whom nothing else is set."""
        section = config.quotas.model_dump()
        if section["program_bytes"] is None:
            section["program_bytes"] = config.limits.program_bytes
        return cls(**section)

    def with_set(self, message: account_pb2.Quotas) -> Quotas:
        """The same with what a message sets."""
        changes = {field.name: value for field, value in message.ListFields()}
        return dataclasses.replace(self, **changes)

    def to_proto(self) -> account_pb2.Quotas:
        """The message, with every field that has a limit."""
        return account_pb2.Quotas(**dataclasses.asdict(self))


def check_quotas(field: str, message: account_pb2.Quotas) -> None:
    """Refuses quotas that cannot be.

    Args:
        field: where they are in the request.
        message: what is set.

    Raises:
        RequestRefusedError: one is 0, or not a finite number.
    """
    for descriptor, value in message.ListFields():
        if not (value > 0 and math.isfinite(value)):
            raise argument_invalid(
                f"{field}.{descriptor.name}",
                f"it is {value:g}; write a number above 0, or leave it out for the server's own",
            )
