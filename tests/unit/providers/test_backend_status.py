"""BackendStatus takes what the schema allows, and nothing else."""

from __future__ import annotations

import copy
import math
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st
from qiskit.exceptions import QiskitError

from longwire.providers.models import BackendStatus, backend_version_xyz

FIELDS: dict[str, Any] = {
    "backend_name": "ibmq_bench",
    "backend_version": "1.2.34",
    "operational": True,
    "pending_jobs": 3,
    "status_msg": "active",
}
statuses = st.builds(
    BackendStatus,
    backend_name=st.text(),
    backend_version=st.from_regex(r"\A[0-9]+\.[0-9]+\.[0-9]+\Z"),
    operational=st.booleans(),
    pending_jobs=st.integers(min_value=0),
    status_msg=st.text(),
)


def test_backend_status_takes_its_fields_by_position_and_by_name() -> None:
    assert BackendStatus(*FIELDS.values()) == BackendStatus(**FIELDS)


@given(statuses)
def test_from_dict_inverts_to_dict(status: BackendStatus) -> None:
    assert BackendStatus.from_dict(status.to_dict()) == status


def test_to_dict_gives_a_new_dictionary_in_the_constructors_order() -> None:
    status = BackendStatus(**FIELDS)
    document = status.to_dict()
    assert list(document.items()) == list(FIELDS.items())
    document["pending_jobs"] = 99
    assert status.pending_jobs == 3


@pytest.mark.parametrize(
    "version",
    [
        *("", "1", "1.2", "1.2.3.4", "1x2y3", "10203", "1.2.3\n", "1.2.3+abc", "v1.2.3"),
        *("0.18.2.dev0", "1.0.0rc1", "1.\u0662.3", 1, None, b"1.2.3"),
    ],
)
def test_backend_status_refuses_a_version_that_is_not_xyz(version: Any) -> None:
    with pytest.raises(QiskitError, match="Backend version is invalid"):
        BackendStatus(**{**FIELDS, "backend_version": version})


@pytest.mark.parametrize("jobs", [-1, None, "3", True, 1.5, math.nan, 3.0])
def test_backend_status_refuses_pending_jobs_that_are_no_natural_number(jobs: Any) -> None:
    with pytest.raises(QiskitError, match="Pending jobs must be >=0"):
        BackendStatus(**{**FIELDS, "pending_jobs": jobs})


@pytest.mark.parametrize(
    ("field", "value"),
    [("operational", 1), ("operational", None), ("backend_name", None), ("status_msg", 5)],
)
def test_backend_status_refuses_a_field_of_another_type(field: str, value: Any) -> None:
    with pytest.raises(QiskitError, match=field):
        BackendStatus(**{**FIELDS, field: value})


def test_backend_status_checks_the_version_first() -> None:
    with pytest.raises(QiskitError, match="Backend version is invalid"):
        BackendStatus("name", "1", "yes", -1, None)  # type: ignore[arg-type]


def test_backend_status_refuses_an_unknown_field() -> None:
    with pytest.raises(TypeError, match="colour"):
        BackendStatus.from_dict({**FIELDS, "colour": "red"})


def test_backend_status_makes_a_numpy_integer_an_int() -> None:
    status = BackendStatus(**{**FIELDS, "pending_jobs": np.int64(7)})
    assert type(status.pending_jobs) is int


def test_version_regex_is_a_pattern_of_the_class() -> None:
    assert BackendStatus.version_regex.match("10.20.30")
    assert not BackendStatus.version_regex.search("x1.2.3")


def test_backend_status_equals_by_value_and_never_a_dictionary() -> None:
    status = BackendStatus(**FIELDS)
    assert status == BackendStatus(**FIELDS)
    assert status != BackendStatus(**{**FIELDS, "pending_jobs": 4})
    assert status != FIELDS


def test_backend_status_has_no_hash_because_it_can_change() -> None:
    with pytest.raises(TypeError, match="unhashable"):
        hash(BackendStatus(**FIELDS))


def test_backend_status_repr_evaluates_to_an_equal_one() -> None:
    status = BackendStatus(**FIELDS)
    assert eval(repr(status)) == status


def test_backend_status_survives_copy_deepcopy_and_pickle() -> None:
    status = BackendStatus(**FIELDS)
    for twin in (copy.copy(status), copy.deepcopy(status), pickle.loads(pickle.dumps(status))):
        assert twin == status


def test_backend_status_in_a_notebook_escapes_every_text() -> None:
    html = BackendStatus(
        "<b>name", "1.0.0", True, 0, "<script>alert(1)</script> & co"
    )._repr_html_()
    assert "<script>" not in html
    assert "<b>name" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; co" in html


@pytest.mark.parametrize(
    ("raw", "version"),
    [
        ("", "0.0.0"),
        ("0.1", "0.1.0"),
        ("2", "2.0.0"),
        ("0.18.2.dev0", "0.18.2"),
        ("1.0.0rc1", "1.0.0"),
        ("1.2.3+abc", "1.2.3"),
        ("1.2.3\n", "1.2.3"),
        ("v3.4", "3.4.0"),
        ("1.2.3", "1.2.3"),
        ("unknown", "0.0.0"),
    ],
)
def test_backend_version_xyz_keeps_the_leading_numbers(raw: str, version: str) -> None:
    assert backend_version_xyz(raw) == version


@given(st.text() | st.from_regex(r"v?[0-9]+(\.[0-9]+){0,4}[a-z+.]*"))
def test_backend_version_xyz_satisfies_backend_status(raw: str) -> None:
    assert BackendStatus.version_regex.match(backend_version_xyz(raw))
