"""Fixtures of the tests with real parts."""

from pathlib import Path

import pytest

from tests.support.certificate import write_certificate


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Make a certificate for 127.0.0.1 that no one has signed but itself."""
    path = tmp_path / "certificate.pem"
    write_certificate(path)
    return path
