"""A Target crosses the wire without loss, always as the same bytes."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable

import pytest
import qiskit_ibm_runtime.fake_provider as fake_provider
from qiskit.providers import QubitProperties
from qiskit.providers.basic_provider import BasicSimulator
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit.transpiler import Target
from qiskit_aer import AerSimulator
from qiskit_ibm_runtime.fake_provider import FakeManilaV2
from same_targets import assert_same_operations, assert_same_targets
from unit.codecs import target_examples
from unit.codecs.target_examples import operations, traps, two_qubits

from longwire.codecs.target import decode_target, encode_target
from longwire.codecs.target_qubits import fill_qubits, read_qubits
from longwire.v1 import target_pb2

MODELS = [
    name
    for name in dir(fake_provider)
    if name.startswith("Fake") and name[4].isupper() and not name.startswith("FakeProvider")
]
SIMULATORS: dict[str, Callable[[], Target]] = {
    "aer": lambda: AerSimulator().target,
    "aer stabilizer": lambda: AerSimulator(method="stabilizer").target,
    "aer with coupling": lambda: AerSimulator(coupling_map=[[0, 1], [2, 1]]).target,
    "aer of a device": lambda: AerSimulator.from_backend(FakeManilaV2()).target,
    "basic": lambda: BasicSimulator().target,
    "generic": lambda: GenericBackendV2(5, seed=3).target,
    "generic with control flow": lambda: GenericBackendV2(4, control_flow=True, seed=3).target,
    "generic with couplings": lambda: (
        GenericBackendV2(
            4,
            ["cz", "rzx", "id", "rz", "sx"],
            coupling_map=[[0, 1], [1, 2], [3, 2]],
            dt=1e-9,
            seed=3,
        ).target
    ),
    "generic without noise": lambda: GenericBackendV2(3, noise_info=False).target,
}


def sent(target: Target) -> Target:
    """A Target as it arrives; what arrived is sent on as the same bytes."""
    encoded = encode_target(target)
    received = decode_target(target_pb2.EncodedTarget.FromString(encoded.SerializeToString()))
    assert encode_target(received) == encoded
    return received


@pytest.mark.filterwarnings("ignore:Properties of fake_nighthawk")
@pytest.mark.parametrize("model", MODELS)
def test_target_of_every_device_model_comes_back_the_same(model: str) -> None:
    target = getattr(fake_provider, model)().target
    assert_same_targets(sent(target), target, in_order=True)


def test_device_models_are_all_tried() -> None:
    assert len(MODELS) >= 68


@pytest.mark.parametrize("name", SIMULATORS)
def test_target_of_every_simulator_comes_back_the_same(name: str) -> None:
    target = SIMULATORS[name]()
    assert_same_targets(sent(target), target, in_order=True)


@pytest.mark.parametrize("name", traps())
def test_target_with_a_peculiarity_comes_back_with_it(name: str) -> None:
    target = traps()[name]
    for row in (target.get("x") or {}).values():
        # The one attribute that cannot be sent.
        getattr(row, "__dict__", {}).pop("handle", None)
    assert_same_targets(sent(target), target, in_order=True)


@pytest.mark.parametrize("name", operations())
def test_operation_of_any_kind_comes_back_the_same(name: str) -> None:
    target = Target(num_qubits=4)
    operation = operations()[name]
    target.add_instruction(operation)
    received = sent(target)
    if name == "own object":
        # A parameter that cannot be sent is gone; the rest is there.
        operation.params = []
    assert_same_targets(received, target)


def test_own_gate_comes_back_as_a_gate_with_its_definition() -> None:
    received = sent(two_qubits(operations()["own gate without parameters"]))
    operation = received.operation_from_name("twist")
    assert [item.operation.name for item in operation.definition.data] == ["rx", "flip", "cx"]
    assert operation.definition.data[0].operation.params == [0.375]
    [inner] = operation.definition.data[1].operation.definition.data
    assert inner.operation.name == "x"


def test_parameter_that_is_there_twice_comes_back_as_one() -> None:
    first, second, _ = sent(two_qubits(operations()["parameter twice"]))["u"] and (
        sent(two_qubits(operations()["parameter twice"])).operation_from_name("u").params
    )
    assert first == second


def test_attributes_that_cannot_be_sent_are_left_out() -> None:
    properties = target_examples.Calibrated(1e-8, 0.1, 0.5)
    received = sent(two_qubits(operations()["reset"], {(0,): properties}))["reset"][(0,)]
    assert type(received) is target_examples.Calibrated
    assert vars(received) == {"drift": 0.5}
    assert isinstance(properties.handle, target_examples.Handle)


def test_qubit_properties_keep_what_a_driver_adds() -> None:
    # Not through a Target: since Qiskit 2.6 it takes no more than the three numbers.
    tuned = target_examples.Tuned(1e-4, operational=False)
    message = target_pb2.TargetQubits()
    fill_qubits(message, [tuned, None, QubitProperties(2e-4)])
    first, second, third = read_qubits(message)
    assert (type(first), vars(first)) == (target_examples.Tuned, {"operational": False})
    assert (first.t1, first.t2, first.frequency) == (1e-4, None, 5e9)
    assert second is None
    assert (type(third), third.t1, third.t2) == (QubitProperties, 2e-4, None)


def test_received_target_can_be_pickled() -> None:
    received = sent(SIMULATORS["aer"]())
    assert_same_targets(pickle.loads(pickle.dumps(received)), received)


def test_order_of_operations_changes_nothing_but_the_order() -> None:
    names = ["x", "rz", "cx", "measure"]
    one, other = (
        encode_target(GenericBackendV2(2, basis, seed=1, noise_info=False).target)
        for basis in (names, names[::-1])
    )
    assert one.sha256 == other.sha256
    assert one.data == other.data
    assert list(decode_target(one))[:3] != list(decode_target(other))[:3]


def test_target_is_of_the_same_bytes_in_every_process() -> None:
    script = "from unit.codecs.test_target import every_digest\nprint('\\n'.join(every_digest()))"
    digests = []
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": "tests"}
        run = subprocess.run(
            [sys.executable, "-W", "error", "-c", script],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        digests.append(run.stdout.split())
    assert digests[0] == digests[1] == every_digest()


def every_digest() -> list[str]:
    """The digest of every Target of these tests but those of the device models."""
    targets = [make() for make in SIMULATORS.values()]
    targets += traps().values()
    targets += [two_qubits(operation) for operation in operations().values()]
    targets.append(FakeManilaV2().target)
    return [encode_target(target).sha256.hex() for target in targets]


def test_digest_changes_with_any_number() -> None:
    target = FakeManilaV2().target
    before = encode_target(target).sha256
    target["sx"][(3,)].error *= 1 + 1e-15
    assert encode_target(target).sha256 != before


def test_two_operations_of_one_target_share_no_random_identifiers() -> None:
    received = sent(SIMULATORS["generic"]())
    again = decode_target(encode_target(received))
    assert_same_operations(
        again.operation_from_name("rz"), received.operation_from_name("rz"), "rz"
    )
    assert again.operation_from_name("rz") == received.operation_from_name("rz")
