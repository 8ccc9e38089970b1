"""Fixtures that every floor of the tests may ask for."""

import pytest

from actionstep_connect.testing import Sandbox

pytest_plugins = ["actionstep_connect.testing"]


@pytest.fixture
def sandbox(actionstep_sandbox: Sandbox) -> Sandbox:
    """Give the plugin's sandbox under a short name."""
    return actionstep_sandbox
