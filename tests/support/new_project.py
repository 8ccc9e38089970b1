"""A new project as ``startproject`` makes it, which does what a page of the documentation says."""

import os
import subprocess
import sys
from pathlib import Path

FOREIGN = ("DJANGO_SETTINGS_MODULE", "DATABASE_URL", "ACTIONSTEP_", "PYTEST_", "CELERY_")


def start_project(folder: Path) -> Path:
    """Start the project ``mysite`` in `folder`; return the folder of its settings."""
    django = [sys.executable, "-m", "django"]
    subprocess.run([*django, "startproject", "mysite", str(folder)], check=True, timeout=60)
    (folder / "pytest.ini").write_text("[pytest]\nDJANGO_SETTINGS_MODULE = mysite.settings\n")
    return folder / "mysite"


def run_its_tests(folder: Path, *, timeout: float = 200) -> str:
    """Run the project's own tests, within `timeout` seconds; return what pytest printed.

    Warnings are errors, and nothing of this run's environment is seen.
    """
    finished = subprocess.run(
        [*(sys.executable, "-m", "pytest", "-q", "-W", "error"), *("-p", "no:cacheprovider")],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)},
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout
