"""BaseProvider finds one backend, and tells providers apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from qiskit.providers import QiskitBackendNotFoundError

from longwire.errors import BackendNotFoundError
from longwire.providers import BaseBackend, BaseProvider
from longwire.providers.models import QasmBackendConfiguration


class Bench(BaseBackend):
    def __init__(self, name: str) -> None:
        super().__init__(
            QasmBackendConfiguration(name, "1.0.0", 2, [], [], True, True, False, False, True, 100)
        )

    def run(self, run_input: Any, **options: Any) -> Any:
        raise NotImplementedError


class Rack(BaseProvider):
    def __init__(self, *names: str) -> None:
        super().__init__(*names)
        self.names = names

    def backends(self, name: str | None = None, **kwargs: Any) -> Sequence[BaseBackend]:
        return [Bench(own) for own in self.names if name in (None, own)]


def test_get_backend_with_one_match_returns_it() -> None:
    assert Rack("a", "b").get_backend("b").name() == "b"
    assert Rack("a").get_backend().name() == "a"


def test_get_backend_with_no_match_says_what_was_asked() -> None:
    with pytest.raises(
        BackendNotFoundError, match=r"No backend matches the criteria.*name='c'.*local=True"
    ):
        Rack("a", "b").get_backend("c", local=True)


def test_get_backend_with_several_matches_names_them() -> None:
    with pytest.raises(
        BackendNotFoundError, match=r"More than one backend matches the criteria.*: a, b"
    ):
        Rack("a", "b").get_backend()


def test_get_backend_raises_what_old_code_catches() -> None:
    with pytest.raises(QiskitBackendNotFoundError):
        Rack().get_backend("a")


def test_providers_equal_by_class_and_state() -> None:
    class Other(Rack):
        pass

    Other.__name__ = "Rack"
    assert Rack("a") == Rack("a")
    assert hash(Rack("a")) == hash(Rack("a"))
    assert Rack("a") != Rack("b")
    assert Rack("a") != Other("a")
