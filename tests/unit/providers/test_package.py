"""What longwire.providers exports, and what importing it costs."""

from __future__ import annotations

import subprocess
import sys

import pytest
import qiskit.providers

import longwire.errors
import longwire.providers


def test_job_status_is_qiskits_own_enum() -> None:
    assert longwire.providers.JobStatus is qiskit.providers.JobStatus


def test_every_exported_name_is_there() -> None:
    for name in longwire.providers.__all__:
        assert getattr(longwire.providers, name) is not None
        assert name in dir(longwire.providers)
    assert longwire.providers.JobTimeoutError is longwire.errors.JobTimeoutError


def test_unknown_name_is_an_attribute_error_that_names_it() -> None:
    with pytest.raises(AttributeError, match="BackendV2"):
        _ = longwire.providers.BackendV2


def test_models_and_their_codecs_do_not_import_qiskit_or_grpc() -> None:
    program = (
        "import sys, longwire.providers.models, longwire.codecs.backend_status,"
        " longwire.codecs.job_status, longwire.codecs.backend_configuration,"
        " longwire.codecs.backend_properties, longwire.codecs.pulse_defaults;"
        " from longwire.providers.models import BackendStatus;"
        " BackendStatus('name', '1.0.0', True, 0, '');"
        " sys.exit(', '.join({'qiskit', 'grpc'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "") or done.stderr == "\n"
