"""The status of a backend."""

from __future__ import annotations

import re
from collections.abc import Mapping
from operator import index
from typing import TYPE_CHECKING, Any, ClassVar, Self

from longwire.providers.models.html_table import html_table

if TYPE_CHECKING:
    from longwire.errors import LongwireError

__all__ = ["BackendStatus", "backend_version_xyz"]

_LEADING_NUMBERS = re.compile(r"v?([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?", re.IGNORECASE)


class BackendStatus:
    """Whether a backend runs jobs, and how many wait for it.

    The constructor takes exactly what Qiskit's schema allows. Two are equal
    when their fields are; as the fields can be set, none has a hash.

    Args:
        backend_name: the backend's name.
        backend_version: its version, X.Y.Z.
        operational: whether it runs jobs.
        pending_jobs: how many jobs wait for it.
        status_msg: its condition in a sentence for people.

    Raises:
        LongwireError: "Backend version is invalid", checked first; "Pending
            jobs must be >=0"; or another field has the wrong type. It is a
            QiskitError.
    """

    version_regex: ClassVar[re.Pattern[str]] = re.compile(r"\A[0-9]+\.[0-9]+\.[0-9]+\Z")

    backend_name: str
    backend_version: str
    operational: bool
    pending_jobs: int
    status_msg: str

    def __init__(
        self,
        backend_name: str,
        backend_version: str,
        operational: bool,
        pending_jobs: int,
        status_msg: str,
    ) -> None:
        if not isinstance(backend_version, str) or not self.version_regex.match(backend_version):
            raise _failure(
                f"Backend version is invalid: {backend_version!r} is not of the form X.Y.Z; "
                "backend_version_xyz() makes it so"
            )
        try:
            # Any integer, NumPy's too, but not a truth value.
            number = -1 if isinstance(pending_jobs, bool) else index(pending_jobs)
        except TypeError:
            number = -1
        if number < 0:
            raise _failure(f"Pending jobs must be >=0 and an integer, not {pending_jobs!r}")
        if not isinstance(operational, bool):
            raise _failure(f"operational must be True or False, not {operational!r}")
        for field, text in (("backend_name", backend_name), ("status_msg", status_msg)):
            if not isinstance(text, str):
                raise _failure(f"{field} must be text, not {text!r}")
        self.backend_name = backend_name
        self.backend_version = backend_version
        self.operational = operational
        self.pending_jobs = number
        self.status_msg = status_msg

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The status of a dictionary, in the form that :meth:`to_dict` gives.

        Raises:
            LongwireError: as the constructor.
            TypeError: a field is missing or unknown, as in the constructor.
        """
        return cls(**data)

    def to_dict(self) -> dict[str, Any]:
        """The fields in the constructor's order, in a new dictionary."""
        return {
            "backend_name": self.backend_name,
            "backend_version": self.backend_version,
            "operational": self.operational,
            "pending_jobs": self.pending_jobs,
            "status_msg": self.status_msg,
        }

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BackendStatus):
            return NotImplemented
        return self.to_dict() == other.to_dict()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in self.to_dict().items())
        return f"{type(self).__name__}({fields})"

    def _repr_html_(self) -> str:
        return html_table(type(self).__name__, self.to_dict().items())


def backend_version_xyz(raw: str) -> str:
    """The version that comes nearest to ``raw`` in the form X.Y.Z.

    The leading numbers are kept, missing ones are zero: ``'2'`` gives ``2.0.0``,
    ``'0.18.2.dev0'`` gives ``0.18.2``, ``''`` gives ``0.0.0``.
    """
    numbers = _LEADING_NUMBERS.match(raw.strip())
    return ".".join(number or "0" for number in numbers.groups()) if numbers else "0.0.0"


def _failure(message: str) -> LongwireError:
    # Imported here, for it imports qiskit.
    from longwire.errors import LongwireError

    return LongwireError(message)
