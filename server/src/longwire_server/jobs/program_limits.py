"""What workers are told to refuse, since only a parser can tell."""

from __future__ import annotations

from functools import lru_cache

from longwire_server.accounts.quotas import Quotas
from longwire_server.accounts.tenants import Tenants
from longwire_server.execution.frames_pb2 import ProgramLimits


class TenantProgramLimits:
    """The limits of programs, by their tenant.

    Args:
        tenants: what each may ask for.
        shot_bits: shots times classical bits, of all circuits of a job together.
        instructions: instructions of all circuits together.
    """

    def __init__(self, tenants: Tenants, *, shot_bits: int, instructions: int) -> None:
        self._tenants = tenants
        self._shot_bits = shot_bits
        self._instructions = instructions
        self._message = lru_cache(maxsize=1024)(self._make)

    def of(self, tenant: str) -> ProgramLimits:
        """What holds for a tenant's programs."""
        return self._message(self._tenants.quotas(tenant))

    def _make(self, quotas: Quotas) -> ProgramLimits:
        return ProgramLimits(
            circuits=quotas.circuits,
            qubits=quotas.qubits,
            shots=quotas.shots,
            shot_bits=self._shot_bits,
            instructions=self._instructions,
        )
