"""Where elsewhere is stricter than here, and says so instead of doing something else."""

from __future__ import annotations

from typing import Any

import pytest
from circuits import bell
from places import LocalPlace, RemotePlace
from qiskit.exceptions import QiskitError

from longwire.errors import InvalidOptionError, InvalidProgramError


def test_option_that_aer_ignores_is_refused(remote_place: RemotePlace) -> None:
    ignored = LocalPlace().backend().run(bell(), shotz=10).result().get_counts()
    assert sum(ignored.values()) == 1024
    with pytest.raises(InvalidOptionError, match="did you mean shots"):
        remote_place.backend().run(bell(), shotz=10)


@pytest.mark.parametrize("shots", [0, -1, 1.5])
def test_impossible_number_of_shots_is_refused_before_anything_is_sent(
    remote_place: RemotePlace, shots: Any
) -> None:
    with pytest.raises(InvalidOptionError, match="shots must be"):
        remote_place.backend().run(bell(), shots=shots)


def test_what_is_no_circuit_is_a_qiskit_error(remote_place: RemotePlace) -> None:
    with pytest.raises((TypeError, AttributeError)):
        LocalPlace().backend().run(3).result()
    with pytest.raises(QiskitError):
        remote_place.backend().run(3)


def test_job_without_anything_to_run_is_refused(remote_place: RemotePlace) -> None:
    assert len(LocalPlace().sampler().run([]).result()) == 0
    with pytest.raises(InvalidProgramError, match="nothing to run"):
        remote_place.sampler().run([])
    with pytest.raises(InvalidProgramError, match="nothing to run"):
        remote_place.estimator().run([])
    with pytest.raises(InvalidProgramError, match="nothing to run"):
        remote_place.backend().run([])
