"""The base class of classic backends."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from longwire.providers.models.backend_status import BackendStatus, backend_version_xyz

if TYPE_CHECKING:
    from longwire.providers.base_job import BaseJob
    from longwire.providers.base_provider import BaseProvider
    from longwire.providers.models.backend_configuration import QasmBackendConfiguration
    from longwire.providers.models.backend_properties import BackendProperties

__all__ = ["BaseBackend"]


class BaseBackend(ABC):
    """A backend in the classic interface: methods, not properties, tell what it is.

    The interface is that of ``qiskit.providers.BaseBackend`` up to Qiskit 0.20.
    A subclass implements ``__init__``, which must call this one, and :meth:`run`.

    Args:
        configuration: what the backend is.
        provider: who gave it out; None for a backend made directly.
    """

    @abstractmethod
    def __init__(
        self, configuration: QasmBackendConfiguration, provider: BaseProvider | None = None
    ) -> None:
        self._configuration = configuration
        self._provider = provider

    @abstractmethod
    def run(self, run_input: Any, **options: Any) -> BaseJob:
        """Starts running a program.

        Args:
            run_input: the program; the classic form is a Qobj.
            options: run options, such as ``shots``.

        Returns:
            The job, which may still be running.
        """

    def configuration(self) -> QasmBackendConfiguration:
        """What the backend is: its size, gates and limits."""
        return self._configuration

    def properties(self) -> BackendProperties | None:
        """What was measured of the backend; None where nothing was."""
        return None

    def provider(self) -> BaseProvider | None:
        """Who gave the backend out."""
        return self._provider

    def status(self) -> BackendStatus:
        """Whether the backend runs jobs and how many wait.

        By default it is operational, nothing waits, and the version is that of
        :meth:`version` made X.Y.Z. (Qiskit's default gave Qiskit's own version.)
        """
        return BackendStatus(
            backend_name=self.name(),
            backend_version=backend_version_xyz(self.version()),
            operational=True,
            pending_jobs=0,
            status_msg="",
        )

    def name(self) -> str:
        """The backend's name."""
        return self._configuration.backend_name

    def version(self) -> str:
        """The backend's version, as its configuration gives it."""
        return self._configuration.backend_version

    def __str__(self) -> str:
        return self.name()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}('{self.name()}') from {self._provider}()>"
