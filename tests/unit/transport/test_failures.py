"""From a gRPC status to Longwire's errors."""

from __future__ import annotations

import pytest

from longwire import errors
from longwire.transport.failures import ERROR_CLASSES
from longwire.v1.error_pb2 import ErrorReason
from longwire_server.servicers.status_table import STATUS_CODES


def test_every_reason_of_a_call_has_a_class_of_its_own() -> None:
    told = {ErrorReason.Name(reason).removeprefix("ERROR_REASON_") for reason in STATUS_CODES}
    assert told == set(ERROR_CLASSES)


@pytest.mark.parametrize("name", sorted(set(ERROR_CLASSES.values())))
def test_class_of_a_reason_is_a_refusal_and_a_qiskit_error(name: str) -> None:
    error_class = getattr(errors, name)
    assert issubclass(error_class, errors.RequestRefusedError)
    assert issubclass(error_class, errors.QiskitError)
