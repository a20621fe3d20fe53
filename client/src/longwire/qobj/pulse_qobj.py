"""The pulse Qobj: schedules of pulses as one document. Longwire carries it as data."""

from __future__ import annotations

import pprint
from collections.abc import Mapping, Sequence
from typing import Any, Self

from longwire.errors import InvalidQobjError
from longwire.qobj.enums import QobjType
from longwire.qobj.header import QobjHeader
from longwire.qobj.part import QobjPart, require
from longwire.qobj.pulse_config import PulseQobjConfig
from longwire.qobj.pulse_experiment import PulseQobjExperiment

__all__ = ["PulseQobj"]


class PulseQobj(QobjPart):
    """Schedules in the form of the Qobj specification (arXiv:1809.03452).

    Qiskit 2 has no pulses, so no conversion to schedules is offered.

    Args:
        qobj_id: an identifier.
        config: options of all experiments.
        experiments: the experiments.
        header: header of the whole; empty by default.
        schema_version: version of the schema that the document follows.
    """

    def __init__(
        self,
        qobj_id: str,
        config: PulseQobjConfig,
        experiments: Sequence[PulseQobjExperiment],
        header: QobjHeader | None = None,
        *,
        schema_version: str = "1.2.0",
    ) -> None:
        self.qobj_id = qobj_id
        self.config = config
        self.header = QobjHeader() if header is None else header
        self.experiments = experiments
        self.type = QobjType.PULSE.value
        self.schema_version = schema_version

    def to_dict(self, validate: bool = False) -> dict[str, Any]:
        """Returns a new dict of the Qobj, with complex numbers and arrays as they are.

        Args:
            validate: whether the document is checked against the schema.

        Raises:
            InvalidQobjError: it breaks the schema; the message gives the place.
        """
        data = {
            "qobj_id": self.qobj_id,
            "header": self.header.to_dict(),
            "config": self.config.to_dict(),
            "schema_version": self.schema_version,
            "type": self.type,
            "experiments": [experiment.to_dict() for experiment in self.experiments],
        }
        if validate:
            from longwire.qobj.validation import validate_document  # the two need each other

            validate_document(data)
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Reads the dict form; ``data`` is left as it was, its schema_version is kept.

        Raises:
            InvalidQobjError: the document is of another type, or a field is wrong.
        """
        experiments = require(data, "experiments", cls.__name__)
        if data.get("type", QobjType.PULSE.value) != QobjType.PULSE.value:
            raise InvalidQobjError(f"type: 'PULSE' is expected, not {data['type']!r}")
        return cls(
            require(data, "qobj_id", cls.__name__),
            PulseQobjConfig.from_dict(require(data, "config", cls.__name__)),
            [PulseQobjExperiment.from_dict(experiment) for experiment in experiments],
            QobjHeader.from_dict(data.get("header", {})),
            schema_version=data.get("schema_version", "1.2.0"),
        )

    def __str__(self) -> str:
        return (
            f"Pulse Qobj: {self.qobj_id}:\n"
            f"Config: {pprint.pformat(self.config.to_dict())}\n"
            f"Header: {pprint.pformat(self.header.to_dict())}\n"
            "Experiments:\n" + "".join(str(experiment) for experiment in self.experiments)
        )
