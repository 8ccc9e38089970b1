"""The demo's command line and environment, for tests that start it."""

import os
import sys
from pathlib import Path

from tests.support.documents import ROOT
from tests.support.free_port import free_ports


def demo_command(*options: str, sandbox_port: int | None = None) -> list[str]:
    """Return the command line of a demo on ports of its own."""
    site_port, free_port = free_ports(2)
    ports = ["--site-port", str(site_port), "--sandbox-port", str(sandbox_port or free_port)]
    return [sys.executable, str(ROOT / "manage.py"), "demo", *ports, *options]


def clean_environment(folder: Path) -> dict[str, str]:
    """Return this environment without what the test run itself has set."""
    ours = ("DATABASE_URL", "DJANGO_SETTINGS_MODULE")
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    return {**kept, "DEMO_DIR": str(folder)}
