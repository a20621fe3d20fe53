"""Properties are looked up in SI units, and what is missing has a name."""

from __future__ import annotations

import copy
import json
import pickle
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from longwire.errors import BackendPropertyError
from longwire.providers.models import BackendProperties, Gate, Nduv

DATE = "2020-08-10T08:20:31-04:00"
MEASURED = datetime(2020, 8, 10, 8, 20, 31, tzinfo=timezone(timedelta(hours=-4)))


def entry(name: str, value: float, unit: str = "") -> dict[str, Any]:
    return {"date": DATE, "name": name, "unit": unit, "value": value}


DOCUMENT: dict[str, Any] = {
    "backend_name": "bench",
    "backend_version": "1.0.0",
    "last_update_date": "2020-08-10T09:00:00Z",
    "qubits": [
        [
            entry("T1", 75.5, "us"),
            entry("T2", 100, "\u00b5s"),
            entry("frequency", 4.971, "GHz"),
            entry("readout_error", 0.0125),
            entry("readout_length", 3550, "ns"),
        ],
        [],
        [entry("T1", 0.25, "ms"), entry("operational", 0), entry("wear", 2, "furlong")],
    ],
    "gates": [
        {
            "qubits": [0],
            "gate": "sx",
            "parameters": [entry("gate_error", 0.0004), entry("gate_length", 35.5, "ns")],
            "name": "sx0",
        },
        {"qubits": [0, 2], "gate": "cx", "parameters": [entry("operational", 0)]},
        {"qubits": [2, 0], "gate": "cx", "parameters": [entry("operational", 1)]},
    ],
    "general": [entry("<jq>", 0.0021, "GHz")],
    "lists": [{"qubits": [0, 2]}],
}


@pytest.fixture
def properties() -> BackendProperties:
    return BackendProperties.from_dict(DOCUMENT)


def test_document_comes_back_and_is_ready_for_json(properties: BackendProperties) -> None:
    assert properties.to_dict() == DOCUMENT
    assert json.loads(json.dumps(properties.to_dict())) == DOCUMENT


def test_dates_are_datetimes_in_every_part(properties: BackendProperties) -> None:
    assert properties.last_update_date.utcoffset() == timedelta(0)
    assert properties.qubits[0][0].date == MEASURED
    assert properties.gates[0].parameters[0].date == MEASURED
    assert properties.general[0].date == MEASURED


def test_lookups_return_si_units(properties: BackendProperties) -> None:
    assert properties.t1(0) == pytest.approx(75.5e-6)
    assert properties.t1(2) == pytest.approx(0.25e-3)
    assert properties.t2(0) == pytest.approx(100e-6)
    assert properties.frequency(0) == pytest.approx(4.971e9)
    assert properties.readout_error(0) == 0.0125
    assert properties.readout_length(0) == pytest.approx(3.55e-6)
    assert properties.gate_error("sx", 0) == 0.0004
    assert properties.gate_length("sx", [0]) == pytest.approx(35.5e-9)


def test_property_is_value_and_date_or_all_by_name(properties: BackendProperties) -> None:
    assert properties.qubit_property(0, "frequency") == (pytest.approx(4.971e9), MEASURED)
    assert list(properties.qubit_property(0)) == [
        *("T1", "T2", "frequency", "readout_error", "readout_length")
    ]
    assert properties.gate_property("sx", 0, "gate_error") == (0.0004, MEASURED)
    assert list(properties.gate_property("sx", (0,))) == ["gate_error", "gate_length"]
    assert list(properties.gate_property("cx")) == [(0, 2), (2, 0)]


def test_qubit_without_entries_does_not_shift_its_neighbours(
    properties: BackendProperties,
) -> None:
    assert properties.qubit_property(1) == {}
    assert properties.is_qubit_operational(1)
    assert properties.faulty_qubits() == [2]


def test_operational_state_is_told_for_qubits_and_gates(properties: BackendProperties) -> None:
    assert properties.is_qubit_operational(0)
    assert not properties.is_qubit_operational(2)
    assert properties.is_gate_operational("sx", 0)
    assert not properties.is_gate_operational("cx", [0, 2])
    assert properties.is_gate_operational("cx", (2, 0))
    assert not properties.is_gate_operational("cx")
    assert properties.is_gate_operational("sx")
    assert properties.faulty_gates() == [properties.gates[1]]


@pytest.mark.parametrize(
    ("method", "arguments", "message"),
    [
        ("t1", (1,), "no property 'T1' of qubit 1: it has none"),
        ("t2", (2,), "no property 'T2' of qubit 2: it has T1, operational, wear"),
        ("t1", (3,), "3 qubits, not of qubit 3"),
        ("t1", (-1,), "not of qubit -1"),
        ("is_qubit_operational", (3,), "not of qubit 3"),
        ("qubit_property", (2, "wear"), "wear of qubit 2 has the unit 'furlong'"),
        ("gate_error", ("h", 0), "no properties of a gate 'h'"),
        ("gate_error", ("cx", (0, 1)), r"no properties of 'cx' on qubits \(0, 1\)"),
        ("gate_error", ("cx", (0, 2)), r"no property 'gate_error' of cx on \(0, 2\)"),
        ("is_gate_operational", ("cx", (1, 2)), "no properties of 'cx'"),
        ("gate_property", ("sx", None, "gate_error"), "give the qubits on which 'sx' acts"),
    ],
)
def test_lookup_of_what_is_not_there_says_so(
    properties: BackendProperties, method: str, arguments: tuple[Any, ...], message: str
) -> None:
    with pytest.raises(BackendPropertyError, match=message):
        getattr(properties, method)(*arguments)


@pytest.mark.parametrize(
    ("unit", "factor"),
    [
        *(("", 1), ("s", 1), ("Hz", 1), ("ps", 1e-12), ("ns", 1e-9), ("us", 1e-6)),
        *(("\u00b5s", 1e-6), ("\u03bcs", 1e-6), ("ms", 1e-3), ("mK", 1e-3)),
        *(("kHz", 1e3), ("MHz", 1e6), ("GHz", 1e9)),
    ],
)
def test_unit_is_read_by_its_prefix(unit: str, factor: float) -> None:
    document = {**DOCUMENT, "qubits": [[entry("T1", 3, unit)]]}
    assert BackendProperties.from_dict(document).t1(0) == pytest.approx(3 * factor, rel=1e-15)


def test_gates_that_are_replaced_are_found(properties: BackendProperties) -> None:
    assert properties.gate_error("sx", 0) == 0.0004
    properties.gates = [Gate([0], "sx", [Nduv(DATE, "gate_error", "", 0.5)])]
    assert properties.gate_error("sx", 0) == 0.5


def test_constructor_takes_parts_and_a_date_as_text_or_datetime() -> None:
    parts: tuple[Any, ...] = (
        [[Nduv(MEASURED, "T1", "us", 5)]],
        [Gate([0], "x", [], name="x0")],
        [],
    )
    made = BackendProperties("bench", "1.0.0", DATE, *parts, more=1)
    assert made == BackendProperties("bench", "1.0.0", MEASURED, *parts, more=1)
    assert made.more == 1
    assert made.gates[0].name == "x0"
    assert made.to_dict()["last_update_date"] == DATE


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"qubits": [[], [{"name": "T1"}]]}, r"qubits\[1\]\[0\]: Nduv.*lacks date, unit, value"),
        ({"gates": [{"gate": "x", "qubits": [0]}]}, r"gates\[0\]: Gate.*lacks parameters"),
        ({"general": [{**entry("T1", 1), "date": "x"}]}, r"general\[0\]: date: 'x' is not an ISO"),
        ({"last_update_date": "?"}, "last_update_date"),
        (
            {
                "gates": [
                    {"gate": "x", "qubits": [0], "parameters": [{**entry("T", 1), "date": ""}]}
                ]
            },
            r"gates\[0\]: parameters\[0\]: date",
        ),
    ],
)
def test_document_that_cannot_be_read_names_the_place(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(BackendPropertyError, match=message):
        BackendProperties.from_dict({**DOCUMENT, **changes})


def test_properties_share_nothing_with_their_document() -> None:
    document = copy.deepcopy(DOCUMENT)
    made = BackendProperties.from_dict(document)
    made.gates[0].qubits.append(9)
    made.lists[0]["qubits"].append(9)
    assert document == DOCUMENT


def test_properties_survive_copy_deepcopy_and_pickle(properties: BackendProperties) -> None:
    properties.gate_error("sx", 0)
    for twin in (
        copy.copy(properties),
        copy.deepcopy(properties),
        pickle.loads(pickle.dumps(properties)),
    ):
        assert twin == properties
        assert twin.gate_error("sx", 0) == 0.0004


def test_nduv_repr_shows_every_field() -> None:
    text = repr(Nduv("2020-08-10T08:20:31", "T1", "us", 5))
    assert (
        text
        == "Nduv(date=datetime.datetime(2020, 8, 10, 8, 20, 31), name='T1', unit='us', value=5)"
    )


def test_properties_repr_is_short(properties: BackendProperties) -> None:
    assert repr(properties) == (
        "<BackendProperties('bench', version 1.0.0, 3 qubits, 3 gates, "
        "updated 2020-08-10 09:00:00+00:00)>"
    )


def test_properties_in_a_notebook_escape_every_text(properties: BackendProperties) -> None:
    html = properties._repr_html_()
    assert "<jq>" not in html
    assert "&lt;jq&gt;" in html
