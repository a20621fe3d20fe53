"""The driver of docs/howto/host-a-backend.md runs, and is configured as the page says."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from qiskit import QuantumCircuit
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit.primitives.containers.sampler_pub import SamplerPub

from longwire.codecs.primitive_result import decode_primitive_result
from longwire.codecs.pubs import estimator_spec_to_proto, sampler_spec_to_proto
from longwire.errors import InvalidOptionError, InvalidProgramError, LimitExceededError
from longwire.v1.job_pb2 import JobSpec
from longwire_server.backends.loading import HostedBackend, load_backend
from longwire_server.backends.registry import backend_specs
from longwire_server.config import load_config
from longwire_server.execution.worker.listener import AttemptListener
from longwire_server.execution.worker.primitives import run_primitive

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "howto" / "host-a-backend.md").read_text(encoding="utf-8")


class NobodyHears(AttemptListener):
    """Lets go of what an attempt tells."""

    def progress(self, finished: int, total: int) -> None:
        pass

    def pub_finished(self, result: bytes) -> None:
        pass


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def block_with(text: str) -> str:
    (block,) = [each for each in blocks("toml") if text in each]
    return block


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HostedBackend]:
    (source,) = blocks("python")
    (tmp_path / "lab_backend.py").write_text(source, encoding="utf-8")
    (tmp_path / "server.toml").write_text(block_with("max_shots = 2000"), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    (spec,) = backend_specs(load_config(tmp_path / "server.toml", environment={}))
    yield load_backend(spec)
    sys.modules.pop("lab_backend", None)


def test_howto_driver_is_the_example() -> None:
    example = ROOT / "examples" / "python" / "lab_backend.py"
    assert blocks("python") == [example.read_text(encoding="utf-8")]


def test_howto_driver_runs_an_asymmetric_circuit(lab: HostedBackend) -> None:
    circuit = QuantumCircuit(2, 3, name="asymmetric")
    circuit.rx(math.pi, 1)
    circuit.measure([0, 1], [0, 2])
    result = lab.run([circuit], {"shots": 50, "memory": True, "seed_simulator": 1})
    assert result.get_counts("asymmetric") == {"100": 50}
    assert result.get_memory() == ["100"] * 50


def test_howto_driver_samples_and_estimates(lab: HostedBackend) -> None:
    circuit = QuantumCircuit(2)
    circuit.rx(math.pi, 1)
    circuits, estimator = estimator_spec_to_proto([EstimatorPub.coerce((circuit, ["ZI", "IZ"]))])
    estimated = run_primitive(lab, JobSpec(estimator=estimator), circuits, NobodyHears())
    evs = decode_primitive_result(estimated)[0].data.evs
    assert evs.tolist() == [-1.0, 1.0]
    circuit.measure_all()
    circuits, sampler = sampler_spec_to_proto([SamplerPub.coerce((circuit, None, 20))])
    sampled = run_primitive(lab, JobSpec(sampler=sampler), circuits, NobodyHears())
    assert decode_primitive_result(sampled)[0].data.meas.get_counts() == {"10": 20}


def test_howto_driver_repeats_itself_with_a_seed(lab: HostedBackend) -> None:
    circuit = QuantumCircuit(2)
    circuit.ry(1.0, 0)
    circuit.cx(0, 1)
    circuit.measure_all()
    options = {"shots": 500, "seed_simulator": 3}
    first, again = lab.run([circuit], options), lab.run([circuit], options)
    assert first.get_counts() == again.get_counts()
    assert set(first.get_counts()) == {"00", "11"}


def test_howto_driver_gets_what_the_page_promises(lab: HostedBackend) -> None:
    circuit = QuantumCircuit(2, 1, name="c")
    circuit.measure(0, 0)
    described = lab.describe()
    assert described.backend.status.backend_version == "1.0.0"
    with pytest.raises(LimitExceededError, match="max_shots is 2000"):
        lab.run([circuit], {"shots": 2001})
    with pytest.raises(InvalidOptionError, match="did you mean 'shots'"):
        lab.run([circuit], {"shot": 1})
    circuit.h(0)
    with pytest.raises(InvalidProgramError, match="'h'"):
        lab.run([circuit], {})


@pytest.mark.parametrize("block", blocks("toml"))
def test_howto_configuration_is_accepted(tmp_path: Path, block: str) -> None:
    path = tmp_path / "server.toml"
    path.write_text(block, encoding="utf-8")
    if "[project.entry-points" in block:
        assert '."longwire.backends"]\nlab = "lab_backend:LabBackend"' in block
    else:
        assert load_config(path, environment={}).backends
