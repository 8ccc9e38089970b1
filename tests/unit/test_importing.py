"""Every module can be imported wherever Python and Django run."""

import os
import subprocess
import sys

#: Imports all modules of the package on a machine that has no fork and no folder to write to.
SCRIPT = """
import os, pkgutil, sys, tempfile

tempfile.tempdir = "/read-only"
del os.fork, os.register_at_fork  # Windows has neither.


def refuse_to_write(event, arguments):
    if event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        raise PermissionError(f"nothing can be written here: {arguments[0]}")


sys.addaudithook(refuse_to_write)

import django

django.setup()

import actionstep_connect

apart = ("sandbox", "migrations")  # A project of its own; what Django loads for itself.
for module in pkgutil.walk_packages(actionstep_connect.__path__, "actionstep_connect."):
    if module.name.split(".")[1] not in apart:
        __import__(module.name)
"""


def test_importing_needs_neither_fork_nor_shared_memory() -> None:
    """Windows has no fork, and a hardened container has no writable `/dev/shm` or `/tmp`."""
    done = subprocess.run(
        [sys.executable, "-B", "-c", SCRIPT],
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
