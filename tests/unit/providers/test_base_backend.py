"""BaseBackend answers from its configuration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from longwire.providers import BaseBackend, BaseProvider
from longwire.providers.models import BackendStatus, QasmBackendConfiguration


class Bench(BaseBackend):
    def __init__(
        self, configuration: QasmBackendConfiguration, provider: BaseProvider | None = None
    ) -> None:
        super().__init__(configuration, provider)

    def run(self, run_input: Any, **options: Any) -> Any:
        return run_input, options


class BenchProvider(BaseProvider):
    def backends(self, name: str | None = None, **kwargs: Any) -> Sequence[BaseBackend]:
        return []


def configuration(version: str = "0.1") -> QasmBackendConfiguration:
    return QasmBackendConfiguration(
        "bench", version, 2, ["cx"], [], True, True, False, False, True, 100
    )


def test_base_backend_answers_from_its_configuration() -> None:
    described, provider = configuration(), BenchProvider()
    backend = Bench(described, provider)
    assert backend.configuration() is described
    assert backend.provider() is provider
    assert backend.name() == str(backend) == "bench"
    assert backend.version() == "0.1"
    assert backend.properties() is None


def test_base_backend_status_reports_the_backends_own_version_as_xyz() -> None:
    assert Bench(configuration("0.1")).status() == BackendStatus("bench", "0.1.0", True, 0, "")


def test_base_backend_repr_names_class_backend_and_provider() -> None:
    assert repr(Bench(configuration(), BenchProvider())) == "<Bench('bench') from BenchProvider()>"
    assert repr(Bench(configuration())) == "<Bench('bench') from None()>"


def test_base_backend_without_run_cannot_be_made() -> None:
    class Lame(BaseBackend):
        def __init__(self) -> None:
            super().__init__(configuration())

    with pytest.raises(TypeError, match="run"):
        Lame()  # type: ignore[abstract]
