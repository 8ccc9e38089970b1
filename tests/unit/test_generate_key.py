"""Making a key before there are settings, and keeping it where only its owner reads it."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from actionstep_connect.conf import decode_key
from tests.support.documents import ROOT

MODULE = [sys.executable, "-m", "actionstep_connect.generate_key"]
COMMAND = [sys.executable, "-m", "django", "actionstep_generate_key"]
SETTINGS = """
SECRET_KEY = "x"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "actionstep_connect"]
"""


def run(
    command: list[str], folder: Path, *, settings: str = SETTINGS, file: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `command` in `folder`, the Django command with such settings, the module with none."""
    (folder / "incomplete_settings.py").write_text(settings)
    unwanted = ("DJANGO_SETTINGS_MODULE", "PYTHONPATH")
    env = {name: value for name, value in os.environ.items() if name not in unwanted}
    env |= {"PYTHONPATH": f"{ROOT}{os.pathsep}{folder}"}
    if command is not MODULE:
        env["DJANGO_SETTINGS_MODULE"] = "incomplete_settings"
    return subprocess.run(
        [*command, *(["--file", str(file)] if file else [])],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def test_a_key_needs_no_settings(tmp_path: Path) -> None:
    """Without any, as at the very first, the module prints a key and nothing else."""
    done = run(MODULE, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert decode_key(done.stdout.strip())
    assert done.stdout != run(MODULE, tmp_path).stdout


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "ACTIONSTEP_CONNECT = None",
        "ACTIONSTEP_CONNECT = {'ENCRYPTION_KEYS': ''.split()}",
        "ACTIONSTEP_CONNECT = {'ENCRYPTION_KEYS': 'no.such.module'}",
    ],
    ids=["none", "no dict", "empty", "wrong path"],
)
def test_the_command_works_while_settings_are_incomplete(tmp_path: Path, wrong: str) -> None:
    """Whatever else ACTIONSTEP_CONNECT lacks, `manage.py actionstep_generate_key` gives a key."""
    done = run(COMMAND, tmp_path, settings=SETTINGS + wrong)
    assert (done.returncode, done.stderr) == (0, "")
    assert decode_key(done.stdout.strip())


@pytest.mark.parametrize("command", [MODULE, COMMAND], ids=["module", "command"])
def test_a_file_is_its_owners_and_kept(tmp_path: Path, command: list[str]) -> None:
    """It is made for its owner only, printed nowhere, and never written over while it holds a key."""
    file = tmp_path / ".encryption-key"
    first = run(command, tmp_path, file=file)
    assert first.returncode == 0
    assert "holds a new key" in first.stderr
    key = file.read_text().strip()
    assert decode_key(key)
    assert key not in first.stdout + first.stderr
    assert mode(file) == 0o600
    again = run(command, tmp_path, file=file)
    assert again.returncode == 0
    assert "is kept as it is" in again.stderr
    assert file.read_text().strip() == key


def test_an_empty_file_does_not_stay(tmp_path: Path) -> None:
    """What an attempt that failed left behind is filled, and closed to others first."""
    file = tmp_path / ".encryption-key"
    file.write_text("\n")
    file.chmod(0o644)
    assert run(MODULE, tmp_path, file=file).returncode == 0
    assert decode_key(file.read_text().strip())
    assert mode(file) == 0o600


def test_the_readmes_lines_make_a_key_in_a_new_project(tmp_path: Path) -> None:
    """Run twice in a shell, as for a second terminal: one key, exported, for its owner only."""
    section = (ROOT / "docs" / "tutorial.md").read_text().partition("## 3. A key")[2]
    lines = section.partition("```sh\n")[2].partition("```")[0]
    shell = f"umask 022\n{lines}\n{lines}\nprintenv ACTIONSTEP_ENCRYPTION_KEYS"
    env = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["sh", "-eu", "-c", shell],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert decode_key(done.stdout.strip())
    assert mode(tmp_path / ".encryption-key") == 0o600
