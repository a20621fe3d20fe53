"""What every error of Longwire has: a readable text, a stable reason, Qiskit's root."""

from __future__ import annotations

import copy
import pickle

import pytest
from qiskit.exceptions import QiskitError

from longwire import errors

CLASSES = [getattr(errors, name) for name in errors.__all__ if name.endswith("Error")]


@pytest.mark.parametrize("error_class", CLASSES)
def test_error_is_a_qiskit_error_with_a_reason_of_its_own(
    error_class: type[errors.LongwireError],
) -> None:
    error = error_class("what was wrong")
    assert isinstance(error, QiskitError)
    assert error.reason
    assert error.reason == error.reason.upper()


def test_text_of_an_error_is_its_message_without_quotes() -> None:
    assert str(errors.BackendNotFoundError("No backend", "is here")) == "No backend is here"


def test_reason_of_the_server_wins_over_the_class() -> None:
    assert errors.ServerBusyError("x", reason="STORE_UNAVAILABLE").reason == "STORE_UNAVAILABLE"
    assert errors.ServerUnreachableError("x").reason == "SERVER_UNREACHABLE"
    assert errors.JobTimeoutError("x").reason == "TIMEOUT"


@pytest.mark.parametrize("copied", [copy.copy, lambda e: pickle.loads(pickle.dumps(e))])
def test_copied_error_keeps_reason_and_details(copied: object) -> None:
    assert callable(copied)
    error = copied(errors.LimitExceededError("x", reason="R", details={"limit": "l"}))
    assert (str(error), error.reason, error.details) == ("x", "R", {"limit": "l"})


def test_warning_is_a_user_warning_that_names_its_job() -> None:
    warning = errors.CalibrationChangedWarning("changed", "0123")
    assert isinstance(warning, UserWarning)
    assert (str(warning), warning.job_id) == ("changed", "0123")
