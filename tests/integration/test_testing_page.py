"""``docs/testing.md``, followed to the letter in a new project."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from actionstep_connect.testing import Sandbox, fixtures
from tests.support.documents import ROOT, lines_for

PAGE, TUTORIAL = "docs/testing.md", "docs/tutorial.md"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Start a project, and write what the tutorial and the page say."""
    django = [sys.executable, "-m", "django"]
    subprocess.run([*django, "startproject", "mysite", str(tmp_path)], check=True, timeout=30)
    for file in ("settings.py", "urls.py"):
        with (tmp_path / "mysite" / file).open("a") as target:
            target.write("\n" + lines_for(file, TUTORIAL))
    with (tmp_path / "mysite" / "urls.py").open("a") as target:
        target.write("\n" + lines_for("urls.py", PAGE))
    (tmp_path / "my_time.py").write_text(lines_for("my_time.py", TUTORIAL))
    for file in ("conftest.py", "pytest.ini", "hours.py", "test_hours.py"):
        (tmp_path / file).write_text(lines_for(file, PAGE))
    return tmp_path


def run_pytest(folder: Path, *options: str) -> str:
    """Run the project's own tests; return what was printed."""
    ours = ("DJANGO_SETTINGS_MODULE", "DATABASE_URL", "ACTIONSTEP_", "PYTEST_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    finished = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-W", "error", *options],
        cwd=folder,
        env=kept,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


def test_the_worked_example_passes_as_written(project: Path) -> None:
    """A new project with the page's files passes all of the page's tests, without a warning."""
    count = lines_for("test_hours.py", PAGE).count("def test_")
    assert f"{count} passed" in run_pytest(project)


def test_workers_of_xdist_have_a_sandbox_each(project: Path) -> None:
    """Two workers at once do not reset each other's sandbox."""
    (project / "test_workers.py").write_text(
        "def test_it(actionstep_sandbox, worker_id):\n    print(worker_id, actionstep_sandbox.url)\n"
    )
    output = run_pytest(project, "-n", "2", "--dist", "each", "-rP", "test_workers.py")
    addresses = dict(re.findall(r"^(gw\d) (http://127\.0\.0\.1:\d+)$", output, re.MULTILINE))
    assert set(addresses) == {"gw0", "gw1"}
    assert addresses["gw0"] != addresses["gw1"]


def test_the_page_describes_every_fixture_and_method() -> None:
    """What is public of the plugin has its line on the page, and nothing else has."""
    page = (ROOT / PAGE).read_text()
    tables = re.findall(r"^\| `(\w+)", page, re.MULTILINE)
    fixture_names = {
        name
        for name, value in vars(fixtures).items()
        if type(value).__name__ == "FixtureFunctionDefinition"
    } - {"actionstep_sandbox_process"}
    plumbing = {"get", "post", "delete", "reset", "return_to_present", "settings", "host", "url"}
    methods = {name for name in vars(Sandbox) if not name.startswith("_")} - plumbing
    assert set(tables) == fixture_names | methods
