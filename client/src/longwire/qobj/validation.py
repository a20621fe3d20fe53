"""The Qobj schema (Qiskit Terra 0.16.4, ``qobj_schema.json``) as checks that name the place.

The schema says nothing of most gates but that they have a name; what a gate takes is
checked where it is built, in :mod:`longwire.qobj.operations`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from longwire.errors import InvalidQobjError
from longwire.qobj.field_checks import (
    check_array,
    check_boolean,
    check_integer,
    check_number,
    check_object,
    check_text,
)
from longwire.qobj.instruction_checks import check_pulse_instruction, check_qasm_instruction
from longwire.qobj.part import QobjPart
from longwire.qobj.pulse_qobj import PulseQobj
from longwire.qobj.qasm_qobj import QasmQobj

__all__ = ["validate_document", "validate_qobj_against_schema"]

# Whole numbers of a config, with their lowest values.
_CONFIG_INTEGERS = {
    "max_credits": None,
    "memory_slots": 0,
    "n_qubits": 1,
    "seed": None,
    "seed_simulator": None,
    "shots": 1,
    "memory_slot_size": 0,
}


def validate_qobj_against_schema(qobj: QasmQobj | PulseQobj) -> None:
    """Checks a Qobj.

    Args:
        qobj: a Qobj of either type.

    Raises:
        InvalidQobjError: it breaks the schema; the message begins with the place.
    """
    if not isinstance(qobj, QobjPart):
        raise InvalidQobjError(f"a Qobj is expected, not {type(qobj).__name__}")
    validate_document(qobj.to_dict())


def validate_document(document: Any) -> None:
    """Checks the dict form of a Qobj; NumPy arrays pass as arrays of their numbers.

    Args:
        document: the dict form, or a JSON document.

    Raises:
        InvalidQobjError: it breaks the schema; the message begins with the place.
    """
    required = ("qobj_id", "schema_version", "type", "experiments", "config", "header")
    check_object(document, "the Qobj", required)
    check_text(document["qobj_id"], "qobj_id")
    check_text(document["schema_version"], "schema_version")
    if document["type"] not in ("QASM", "PULSE"):
        raise InvalidQobjError(f"type: 'QASM' or 'PULSE' is expected, not {document['type']!r}")
    is_pulse = document["type"] == "PULSE"
    header = check_object(document["header"], "header")
    for name in ("backend_name", "backend_version"):
        if name in header:
            check_text(header[name], f"header.{name}")
    _check_config(check_object(document["config"], "config"), "config")
    if is_pulse:
        _check_pulse_config(document["config"], "config")
    experiments = check_array(document["experiments"], "experiments", minimum=1)
    for number, experiment in enumerate(experiments):
        _check_experiment(experiment, f"experiments[{number}]", is_pulse)


def _check_experiment(experiment: Any, place: str, is_pulse: bool) -> None:
    check_object(experiment, place, ("instructions",))
    _check_config(check_object(experiment.get("config", {}), f"{place}.config"), f"{place}.config")
    header = check_object(experiment.get("header", {}), f"{place}.header")
    _check_experiment_header(header, f"{place}.header")
    check = check_pulse_instruction if is_pulse else check_qasm_instruction
    instructions = check_array(experiment["instructions"], f"{place}.instructions")
    for number, instruction in enumerate(instructions):
        check(instruction, f"{place}.instructions[{number}]")


def _check_config(config: Mapping[str, Any], place: str) -> None:
    for name, minimum in _CONFIG_INTEGERS.items():
        if name in config:
            check_integer(config[name], f"{place}.{name}", minimum)
    for name in ("memory", "init_qubits"):
        if name in config:
            check_boolean(config[name], f"{place}.{name}")
    if "rep_delay" in config:
        check_number(config["rep_delay"], f"{place}.rep_delay", 0)
    for name in ("kernels", "discriminators"):
        if name in config and not isinstance(config[name], list):
            check_object(config[name], f"{place}.{name}")
    if "pulse_library" in config:
        _check_pulse_library(config["pulse_library"], f"{place}.pulse_library")
    if "calibrations" in config:
        _check_calibrations(config["calibrations"], f"{place}.calibrations")


def _check_pulse_config(config: Mapping[str, Any], place: str) -> None:
    required = ("meas_level", "meas_lo_freq", "meas_return", "pulse_library", "qubit_lo_freq")
    check_object(config, place, required)
    if config["meas_level"] not in (0, 1, 2) or isinstance(config["meas_level"], bool):
        raise InvalidQobjError(f"{place}.meas_level: 0, 1 or 2 is expected")
    if config["meas_return"] not in ("single", "avg"):
        raise InvalidQobjError(f"{place}.meas_return: 'single' or 'avg' is expected")
    for name in ("meas_lo_freq", "qubit_lo_freq"):
        for number, value in enumerate(check_array(config[name], f"{place}.{name}", minimum=1)):
            check_number(value, f"{place}.{name}[{number}]", 0)
    if "rep_time" in config:
        check_number(config["rep_time"], f"{place}.rep_time", 0)


def _check_pulse_library(library: Any, place: str) -> None:
    for number, pulse in enumerate(check_array(library, place)):
        where = f"{place}[{number}]"
        check_object(pulse, where, ("name", "samples"))
        check_text(pulse["name"], f"{where}.name")
        check_array(pulse["samples"], f"{where}.samples", minimum=1)


def _check_calibrations(calibrations: Any, place: str) -> None:
    check_object(calibrations, place)
    for number, gate in enumerate(check_array(calibrations.get("gates", []), f"{place}.gates")):
        where = f"{place}.gates[{number}]"
        check_object(gate, where, ("name", "qubits", "params", "instructions"))
        check_text(gate["name"], f"{where}.name")
        for index, qubit in enumerate(check_array(gate["qubits"], f"{where}.qubits", minimum=1)):
            check_integer(qubit, f"{where}.qubits[{index}]", 0)
        check_array(gate["params"], f"{where}.params")
        for index, item in enumerate(check_array(gate["instructions"], f"{where}.instructions")):
            check_object(item, f"{where}.instructions[{index}]", ("name",))


def _check_experiment_header(header: Mapping[str, Any], place: str) -> None:
    if "name" in header:
        check_text(header["name"], f"{place}.name")
    if "memory_slots" in header:
        check_integer(header["memory_slots"], f"{place}.memory_slots", 0)
    if "n_qubits" in header:
        check_integer(header["n_qubits"], f"{place}.n_qubits", 1)
    for name, lowest, nullable in (
        ("qreg_sizes", 1, False),
        ("creg_sizes", 1, False),
        ("qubit_labels", 0, True),
        ("clbit_labels", 0, False),
    ):
        for number, entry in enumerate(check_array(header.get(name, []), f"{place}.{name}")):
            where = f"{place}.{name}[{number}]"
            if entry is None and nullable:
                continue
            if len(check_array(entry, where)) != 2:
                raise InvalidQobjError(f"{where}: a pair [register, number] is expected")
            check_text(entry[0], f"{where}[0]", minimum=1)
            check_integer(entry[1], f"{where}[1]", lowest)
