"""The base class of classic providers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from longwire.errors import BackendNotFoundError
from longwire.providers.base_backend import BaseBackend

__all__ = ["BaseProvider"]


class BaseProvider(ABC):
    """Gives out backends, in the classic interface.

    The interface is that of ``qiskit.providers.BaseProvider`` up to Qiskit 0.20.
    Two providers are equal when they are of the same class and their attributes
    are equal. (In Qiskit the name of the class was enough.)
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ARG002 - subclasses' own
        super().__init__()

    @abstractmethod
    def backends(self, name: str | None = None, **kwargs: Any) -> Sequence[BaseBackend]:
        """The backends that match.

        Args:
            name: the backend's name; None matches all.
            kwargs: further criteria of the provider.
        """

    def get_backend(self, name: str | None = None, **kwargs: Any) -> BaseBackend:
        """The one backend that matches.

        Args:
            name: the backend's name; None matches all.
            kwargs: further criteria, as for :meth:`backends`.

        Raises:
            BackendNotFoundError: none matches, or more than one does. It is a
                ``QiskitBackendNotFoundError``.
        """
        matches = self.backends(name, **kwargs)
        if len(matches) == 1:
            return matches[0]
        criteria = {**({} if name is None else {"name": name}), **kwargs}
        asked = ", ".join(f"{key}={value!r}" for key, value in criteria.items()) or "none given"
        if not matches:
            raise BackendNotFoundError(
                f"No backend matches the criteria ({asked}): backends() lists all there are"
            )
        names = ", ".join(str(backend) for backend in matches)
        raise BackendNotFoundError(
            f"More than one backend matches the criteria ({asked}): {names}. Give a name"
        )

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:
        # Attributes may change and need not be hashable; the class does neither.
        return hash(type(self))

    def __str__(self) -> str:
        return type(self).__name__
