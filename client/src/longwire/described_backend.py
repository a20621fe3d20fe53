"""What is known here of a backend that is elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from longwire.codecs.backend_configuration import backend_configuration_from_proto
from longwire.codecs.backend_properties import backend_properties_from_proto
from longwire.codecs.backend_status import backend_status_from_proto
from longwire.errors import BackendNotOperationalError, LongwireError
from longwire.providers.models.html_table import html_table

if TYPE_CHECKING:
    from longwire.providers.models import (
        BackendProperties,
        BackendStatus,
        QasmBackendConfiguration,
    )
    from longwire.session import ServerSession
    from longwire.v1.backend_pb2 import Backend

# A notebook draws what it has been asked to show, whether or not the server answers.
_DISPLAY_SECONDS = 3.0


class DescribedBackend:
    """The description of one backend: fetched when it is first asked for, then kept.

    Args:
        name: the name under which the server hosts it.
        session: where it comes from.
        listed: what the server tells of it in a listing, where that is known.
    """

    def __init__(self, name: str, session: ServerSession, listed: Backend | None = None) -> None:
        self.name = name
        self.session = session
        self._listed = listed
        self._configuration: QasmBackendConfiguration | None = None
        self._properties: BackendProperties | None = None
        self._has_properties: bool | None = None

    def listed(self) -> Backend:
        """What the server tells of it in a listing.

        Raises:
            BackendNotFoundError: the server does not host it any more.
            ServerUnreachableError: no server answers.
        """
        if self._listed is None:
            self._listed = self.session._describe(self.name)
        return self._listed

    @property
    def listed_so_far(self) -> Backend | None:
        """The same without asking the server; None where nothing was told yet."""
        return self._listed

    def runnable(self) -> Backend:
        """The same, of a backend that the server has loaded.

        Raises:
            BackendNotOperationalError: the server could not load the backend.
            ServerUnreachableError: no server answers.
        """
        if not self.listed().accepted_programs:
            # It may have been loaded since.
            self._listed = None
        listed = self.listed()
        if not listed.accepted_programs:
            raise BackendNotOperationalError(
                f"Backend '{self.name}' cannot run jobs: {listed.status.status_msg}",
                reason="BACKEND_NOT_OPERATIONAL",
            )
        return listed

    def configuration(self) -> QasmBackendConfiguration:
        """Its configuration.

        Raises:
            BackendNotOperationalError: the server could not load the backend.
            ServerUnreachableError: no server answers.
        """
        if self._configuration is None:
            message = self.session._backend_calls.get_backend_configuration(self.name)
            self._configuration = backend_configuration_from_proto(message)
        return self._configuration

    def properties(self) -> BackendProperties | None:
        """Its properties; None where it has none.

        Raises:
            BackendNotOperationalError: the server could not load the backend.
            ServerUnreachableError: no server answers.
        """
        if self._has_properties is None:
            message = self.session._backend_calls.get_backend_properties(self.name)
            self._has_properties = message is not None
            if message is not None:
                self._properties = backend_properties_from_proto(message)
        return self._properties

    def status(self, *, timeout_seconds: float | None = None) -> BackendStatus:
        """Its status at this moment, which is not kept.

        Args:
            timeout_seconds: how long to wait for the answer; None takes the session's.

        Raises:
            BackendNotFoundError: the server does not host it any more.
            ServerUnreachableError: no server answers.
        """
        told = self.session._backend_calls.get_backend_status(
            self.name, timeout_seconds=timeout_seconds
        )
        return backend_status_from_proto(told.backend_status)

    def forget(self) -> None:
        """Forgets what was fetched; the next question goes to the server."""
        self._listed = None
        self._configuration = None
        self._properties = None
        self._has_properties = None

    def html(self) -> str:
        """A table for a notebook, with what is known where the server is away."""
        rows: list[tuple[str, object]] = [("server", self.session.address)]
        try:
            status = self.status(timeout_seconds=_DISPLAY_SECONDS)
            listed: Backend | None = self.listed()
        except LongwireError as error:
            rows.append(("status", f"not known: {error}"))
            listed = self._listed
        else:
            condition = "operational" if status.operational else "down"
            told = status.status_msg
            rows.append(("status", f"{condition}: {told}" if told else condition))
            rows.append(("waiting jobs", status.pending_jobs))
        if listed is not None:
            has_number = listed.HasField("num_qubits")
            rows.append(("qubits", listed.num_qubits if has_number else "any number"))
            rows.append(("version", listed.reported_version))
            rows.append(("description", listed.description))
        return html_table(self.name, [row for row in rows if row[1] != ""])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, DescribedBackend):
            return NotImplemented
        # The way in does not matter: a provider's and a service's backend are one.
        return self.name == other.name and self.session._connection == other.session._connection

    def __hash__(self) -> int:
        return hash((self.name, self.session._connection))
