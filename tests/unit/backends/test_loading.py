"""Loading a backend, and the sentence when it cannot be loaded."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from longwire_server.backends.loading import BackendLoadError, HostedBackend

Load = Callable[..., HostedBackend]


@pytest.mark.parametrize(
    ("target", "arguments", "reason"),
    [
        ("no_such_module:make", {}, "importing no_such_module raised ModuleNotFoundError"),
        ("unit.backends.drivers:missing", {}, "drivers has no 'missing'"),
        ("unit.backends.drivers:Classic.missing", {}, "drivers has no 'Classic.missing'"),
        ("unit.backends.drivers:not_callable", {}, "cannot be called: it is of type int"),
        ("unit.backends.drivers:broken", {}, "raised OSError: the instrument does not answer"),
        ("unit.backends.drivers:broken", {"x": 1}, "raised TypeError"),
        ("unit.backends.drivers:number", {}, "returned int, which is neither"),
        ("unit.backends.drivers:Classic", {"gates": 3}, "gates: a list is needed"),
        ("longwire_server.backends.hosted:fake_device", {"model": "FakeNowhere"}, "FakeNowhere"),
    ],
)
def test_load_of_a_broken_factory_says_why(
    load: Load, target: str, arguments: dict[str, object], reason: str
) -> None:
    with pytest.raises(BackendLoadError) as caught:
        load(target, "mine", arguments=arguments)
    assert "backend 'mine' cannot be loaded" in caught.value.message
    assert reason in caught.value.message
    assert "\n" not in caught.value.message


def test_load_passes_the_arguments(load: Load) -> None:
    backend = load("unit.backends.drivers:Classic", arguments={"n_qubits": 5})
    assert backend.describe().configuration.n_qubits == 5
