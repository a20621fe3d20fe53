"""Configurations hold SI units, keep what a document holds, and drop nothing."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime
from typing import Any

import pytest

from longwire.errors import BackendConfigurationError
from longwire.providers.models import (
    BackendConfiguration,
    GateConfig,
    QasmBackendConfiguration,
    configuration_class,
)

CORE: dict[str, Any] = {
    "backend_name": "bench",
    "backend_version": "1.2.3",
    "n_qubits": 2,
    "basis_gates": ["u1", "cx"],
    "gates": [{"name": "cx", "parameters": [], "qasm_def": "gate cx a,b { CX a,b; }"}],
    "local": False,
    "simulator": False,
    "conditional": False,
    "open_pulse": False,
    "memory": True,
    "max_shots": 8192,
}


def configuration(**members: Any) -> QasmBackendConfiguration:
    return QasmBackendConfiguration.from_dict({**CORE, **members})


def test_backend_configuration_is_another_name_of_the_qasm_configuration() -> None:
    assert BackendConfiguration is QasmBackendConfiguration


def test_constructor_takes_qiskits_arguments_by_position() -> None:
    first: list[Any] = ["bench", "1.2.3", 2, ["u1", "cx"], [GateConfig.from_dict(CORE["gates"][0])]]
    flags: list[Any] = [False, False, False, False, True, 8192]
    optional: list[Any] = [[[0, 1]], ["delay"], True, [0, 500], 250, 75]
    made = QasmBackendConfiguration(*first, *flags, *optional)
    assert made == configuration(
        coupling_map=[[0, 1]],
        supported_instructions=["delay"],
        dynamic_reprate_enabled=True,
        rep_delay_range=[0, 500],
        default_rep_delay=250,
        max_experiments=75,
    )


def test_constructor_gives_a_document_with_qiskits_defaults() -> None:
    made = QasmBackendConfiguration(
        "bench", "1.2.3", 2, [], [], False, False, False, False, True, 8192
    )
    assert made.to_dict() == {
        **CORE,
        "basis_gates": [],
        "gates": [],
        "coupling_map": None,
        "dynamic_reprate_enabled": False,
    }


@pytest.mark.parametrize(
    ("member", "in_document", "in_model"),
    [
        ("dt", 0.5, 5e-10),
        ("dtm", 4.5, 4.5e-9),
        ("rep_times", [50, 1000.0], [5e-5, 1e-3]),
        ("rep_delay_range", [0.0, 500.0], [0.0, 5e-4]),
        ("rep_delay_range", [[0.0, 500.0]], [[0.0, 5e-4]]),
        ("default_rep_delay", 250, 2.5e-4),
        ("qubit_lo_range", [[4.5, 5.5]], [[4.5e9, 5.5e9]]),
        ("meas_lo_range", [[6.5, 7.5]], [[6.5e9, 7.5e9]]),
        ("channel_bandwidth", [[-0.5, 0.5]], [[-0.5e9, 0.5e9]]),
        (
            "hamiltonian",
            {"h_latex": "H", "vars": {"wq0": 30.5, "n": True, "note": "x"}},
            {"h_latex": "H", "vars": {"wq0": 30.5e9, "n": True, "note": "x"}},
        ),
    ],
)
def test_quantity_is_in_si_units_in_the_model_and_back_in_its_own_in_the_document(
    member: str, in_document: Any, in_model: Any
) -> None:
    described = configuration(**{member: in_document})
    assert getattr(described, member) == in_model
    assert described.to_si_dict()[member] == in_model
    assert described.to_dict()[member] == in_document


def test_from_si_dict_inverts_to_si_dict_without_rounding() -> None:
    seconds = 8.474337369372327e-10
    assert seconds * 1e9 / 1e9 != seconds, "the value must be one that rounds on the way"
    described = configuration(dt=0.5, rep_times=None)
    described.dt = seconds
    twin = QasmBackendConfiguration.from_si_dict(described.to_si_dict())
    assert twin.dt == seconds
    assert twin.to_si_dict() == described.to_si_dict()


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"coupling_map": None},
        {"coupling_map": []},
        {"max_experiments": 0},
        {"n_registers": 5},
        {"register_map": []},
        {"online_date": None},
        {"online_date": "2019-07-03T04:00:00Z"},
        {"tags": []},
        {"dt": None, "rep_times": None, "hamiltonian": None},
        {"hamiltonian": {"h_latex": ""}},
        {"clops": None, "anything": {"deep": [1, {"er": None}]}},
    ],
)
def test_member_absent_null_or_empty_stays_so(members: dict[str, Any]) -> None:
    assert configuration(**members).to_dict() == {**CORE, **members}


def test_configuration_without_open_pulse_is_read_as_closed() -> None:
    document = {name: value for name, value in CORE.items() if name != "open_pulse"}
    described = QasmBackendConfiguration.from_dict(document)
    assert described.open_pulse is False
    assert described.to_dict() == document
    assert configuration_class(document) is QasmBackendConfiguration


def test_absent_member_is_an_attribute_error_and_not_contained() -> None:
    described = configuration(max_experiments=75, url="https://bench")
    assert not hasattr(described, "sample_name")
    assert "sample_name" not in described
    assert described.max_experiments == 75
    assert described.url == "https://bench"
    assert "max_experiments" in described
    assert "url" in described
    assert described.coupling_map is None


def test_further_member_that_is_set_reaches_the_document() -> None:
    described = configuration(url="old")
    described.url = "new"
    described.n_registers = 3
    assert described.to_dict() == {**CORE, "url": "new", "n_registers": 3}


def test_online_date_becomes_a_datetime() -> None:
    assert configuration(online_date="2019-07-03T04:00:00Z").online_date == datetime(
        2019, 7, 3, 4, tzinfo=UTC
    )


def test_online_date_that_is_replaced_is_written_as_iso_8601() -> None:
    described = configuration(online_date="2019-07-03T04:00:00Z")
    described.online_date = datetime(2020, 1, 2, tzinfo=UTC)
    assert described.to_dict()["online_date"] == "2020-01-02T00:00:00+00:00"


def test_configuration_shares_nothing_with_its_document() -> None:
    document = copy.deepcopy({**CORE, "noise": {"depth": [1]}})
    described = QasmBackendConfiguration.from_dict(document)
    described.basis_gates.append("x")
    described.noise["depth"].append(2)
    described.to_dict()["noise"]["depth"].append(3)
    assert document == {**CORE, "noise": {"depth": [1]}}
    assert described.noise == {"depth": [1, 2]}


def test_configuration_survives_copy_deepcopy_and_pickle() -> None:
    described = configuration(online_date="2019-07-03T04:00:00Z", dt=0.5, url="x")
    for twin in (
        copy.copy(described),
        copy.deepcopy(described),
        pickle.loads(pickle.dumps(described)),
    ):
        assert twin == described
        assert twin.to_dict() == described.to_dict()


def test_num_qubits_is_another_name_of_n_qubits() -> None:
    assert configuration().num_qubits == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"gates": [{"name": "x", "parameters": []}]}, r"gates\[0\]: GateConfig.*lacks qasm_def"),
        ({"gates": None}, "gates: a list is needed, not NoneType"),
        ({"gates": ["x"]}, r"gates\[0\]: a JSON object is needed, not str"),
        ({"online_date": "yesterday"}, "online_date: 'yesterday' is not an ISO 8601"),
    ],
)
def test_document_that_cannot_be_read_names_the_place(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(BackendConfigurationError, match=message):
        configuration(**changes)


def test_document_that_lacks_members_names_them_all() -> None:
    document = {name: CORE[name] for name in CORE if name not in ("n_qubits", "memory")}
    with pytest.raises(BackendConfigurationError, match="lacks n_qubits, memory"):
        QasmBackendConfiguration.from_dict(document)


def test_configuration_repr_is_short() -> None:
    text = "<QasmBackendConfiguration('bench', version 1.2.3, 2 qubits)>"
    assert repr(configuration(noise=list(range(1000)))) == text


def test_configuration_in_a_notebook_escapes_and_shortens() -> None:
    html = configuration(description="<script>", noise=list(range(1000)))._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert len(html) < 5000


def test_gate_config_keeps_null_and_optional_members() -> None:
    documents: list[dict[str, Any]] = [
        {"name": "if_else", "parameters": None, "qasm_def": None, "coupling_map": []},
        {
            "name": "u1",
            "parameters": ["lambda"],
            "qasm_def": "gate",
            "coupling_map": [[0]],
            "latency_map": [[1, 0]],
            "conditional": False,
            "description": "d",
            "new": 1,
        },
    ]
    for document in documents:
        assert GateConfig.from_dict(document).to_dict() == document


def test_gate_config_equals_by_value_and_its_repr_evaluates() -> None:
    gate = GateConfig("u1", ["lambda"], "gate", coupling_map=[[0]])
    assert gate == GateConfig.from_dict(gate.to_dict())
    assert gate != GateConfig("u1", ["lambda"], "gate")
    assert gate != gate.to_dict()
    assert eval(repr(gate)) == gate
