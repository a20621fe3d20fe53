"""A Target that several threads transpile for."""

from __future__ import annotations

import copy
import pickle
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from line_backend import line_target
from qiskit.circuit import Parameter
from qiskit.circuit.library import CXGate, RYGate
from qiskit.transpiler import Target

from longwire.codecs.target import decode_target, encode_target
from longwire.shared_target import SharedTarget

ROUNDS = 2000


@pytest.fixture(autouse=True)
def _threads_take_turns_often() -> Iterator[None]:
    """So that one is stopped in the middle of anything."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def all_to_all() -> Target:
    """Every qubit is coupled with every other; the last operation says so."""
    target = Target(num_qubits=20)
    target.add_instruction(RYGate(Parameter("angle")), {(q,): None for q in range(20)})
    target.add_instruction(CXGate(), None, name="cx")
    return target


def test_threads_see_no_half_built_couplings() -> None:
    target = decode_target(encode_target(all_to_all()), SharedTarget)
    with ThreadPoolExecutor(8) as threads:
        maps = list(threads.map(lambda _: target.build_coupling_map(), range(ROUNDS)))
    assert maps == [None] * ROUNDS


def test_couplings_are_those_of_qiskits_target() -> None:
    target = decode_target(encode_target(line_target(0.1)), SharedTarget)
    assert isinstance(target, Target)
    expected = line_target(0.1)
    assert target.build_coupling_map().get_edges() == expected.build_coupling_map().get_edges()
    filtered = target.build_coupling_map(two_q_gate="cx", filter_idle_qubits=True)
    assert filtered.get_edges() == expected.build_coupling_map("cx").get_edges()


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))])
def test_copy_is_shared_in_the_same_way(copied: object) -> None:
    assert callable(copied)
    target = copied(decode_target(encode_target(line_target(0.1)), SharedTarget))
    assert isinstance(target, SharedTarget)
    assert encode_target(target).sha256 == encode_target(line_target(0.1)).sha256
