"""Qobj: circuits and pulses as one document, as Qiskit Terra 0.16 sent them to a backend.

The same public names as ``qiskit.qobj`` had until Qiskit 2.0 removed it, so that
porting is a change of import. Qobj become circuits in
:mod:`longwire.qobj.disassemble`, circuits become Qobj in
:mod:`longwire.qobj.assemble`, and both ways to JSON are in
:mod:`longwire.codecs.qobj`.
"""

from __future__ import annotations

from longwire.qobj.calibrations import GateCalibration, QasmExperimentCalibrations
from longwire.qobj.enums import MeasLevel, MeasReturnType, QobjType
from longwire.qobj.header import QobjDictField, QobjExperimentHeader, QobjHeader
from longwire.qobj.measurement_option import QobjMeasurementOption
from longwire.qobj.pulse_config import PulseQobjConfig, PulseQobjExperimentConfig
from longwire.qobj.pulse_experiment import PulseQobjExperiment
from longwire.qobj.pulse_instruction import PulseQobjInstruction
from longwire.qobj.pulse_library import PulseLibraryItem
from longwire.qobj.pulse_qobj import PulseQobj
from longwire.qobj.qasm_config import QasmQobjConfig, QasmQobjExperimentConfig
from longwire.qobj.qasm_experiment import QasmQobjExperiment, QasmQobjExperimentHeader
from longwire.qobj.qasm_instruction import QasmQobjInstruction
from longwire.qobj.qasm_qobj import QasmQobj
from longwire.qobj.validation import validate_qobj_against_schema

__all__ = [
    "GateCalibration",
    "MeasLevel",
    "MeasReturnType",
    "PulseLibraryItem",
    "PulseQobj",
    "PulseQobjConfig",
    "PulseQobjExperiment",
    "PulseQobjExperimentConfig",
    "PulseQobjInstruction",
    "QasmExperimentCalibrations",
    "QasmQobj",
    "QasmQobjConfig",
    "QasmQobjExperiment",
    "QasmQobjExperimentConfig",
    "QasmQobjExperimentHeader",
    "QasmQobjInstruction",
    "Qobj",
    "QobjDictField",
    "QobjExperimentHeader",
    "QobjHeader",
    "QobjMeasurementOption",
    "QobjType",
    "validate_qobj_against_schema",
]

# Deprecated in Terra, and still met in old code.
Qobj = QasmQobj
