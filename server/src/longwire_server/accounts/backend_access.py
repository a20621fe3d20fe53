"""Which backends a caller may use. Of others it learns no more than of those that are not."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from longwire_server.accounts.caller import Caller, caller
from longwire_server.refusals import backend_not_found


class BackendAccess:
    """What ``[[backend]] tenants`` says, and the credential of each caller.

    Args:
        tenants_of: the tenants that may use each backend, by its name, in the order in
            which backends are listed; None for all tenants.
    """

    def __init__(self, tenants_of: Mapping[str, Collection[str] | None]) -> None:
        self._tenants_of = {
            name: None if tenants is None else frozenset(tenants)
            for name, tenants in tenants_of.items()
        }

    def may_use(self, who: Caller, backend_name: str) -> bool:
        """Whether a caller may see a backend, and run jobs on it; False where there is none."""
        if backend_name not in self._tenants_of:
            return False
        tenants = self._tenants_of[backend_name]
        if tenants is not None and who.tenant not in tenants:
            return False
        return not who.backend_names or backend_name in who.backend_names

    @property
    def open_names(self) -> list[str]:
        """The backends that every tenant may use."""
        return [name for name, tenants in self._tenants_of.items() if tenants is None]

    def require(self, backend_name: str) -> None:
        """Refuses a backend that the present caller may not use, or that is none.

        Raises:
            RequestRefusedError: BACKEND_NOT_FOUND; it names those that the caller may use.
        """
        present = caller()
        if not self.may_use(present, backend_name):
            raise backend_not_found(backend_name, self.names_for(present))

    def names_for(self, who: Caller) -> list[str]:
        """The backends that a caller may use."""
        return [name for name in self._tenants_of if self.may_use(who, name)]
