"""A pytest plugin for sites that use this app: the sandbox, a connected user, faults, time travel.

Put ``pytest_plugins = ["actionstep_connect.testing"]`` into your top-level ``conftest.py``, and
install the extra ``django-actionstep-connect[testing]``.

PYTEST_DONT_REWRITE: nothing here asserts, and a conftest may import from it before pytest does.
"""

from actionstep_connect.testing.factory import make_connection
from actionstep_connect.testing.fixtures import (
    actionstep_sandbox,
    actionstep_sandbox_process,
    actionstep_user,
    connected_user,
)
from actionstep_connect.testing.process import running_sandbox
from actionstep_connect.testing.sandbox import Activity, Notification, Sandbox

__all__ = [
    "Activity",
    "Notification",
    "Sandbox",
    "actionstep_sandbox",
    "actionstep_sandbox_process",
    "actionstep_user",
    "connected_user",
    "make_connection",
    "running_sandbox",
]
