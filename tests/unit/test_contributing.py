"""What contributors are given: CONTRIBUTING.md, and the files that a forge reads."""

import re
from pathlib import Path

import pytest
import yaml

from tests.support.documents import ROOT

PAGE = (ROOT / "CONTRIBUTING.md").read_text()
FORGE = sorted(file for file in (ROOT / ".github").rglob("*.yml"))


def test_the_forge_runs_what_ci_runs() -> None:
    """The workflow has no steps of its own: it calls the scripts that are here."""
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
    commands = [
        step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step
    ]
    assert [command.split()[-1] for command in commands] == [".ci/run", "scripts/coverage"]
    assert all((ROOT / command.split()[-1]).exists() for command in commands)


@pytest.mark.parametrize("file", FORGE, ids=lambda file: file.name)
def test_the_forges_files_can_be_read(file: Path) -> None:
    """Each is YAML that says something."""
    assert yaml.safe_load(file.read_text())


def places() -> list[str]:
    """Return the files and folders that answer the page's questions."""
    rows = PAGE.partition("| Question |")[2].partition("\n\n")[0]
    named = re.findall(r"`([\w./]+)`", rows)
    return [place for place in named if "/" in place or place.endswith(".py")]


def test_the_map_alone_leads_to_each_answer() -> None:
    """The architecture page and the map of the flows name every place in which a question is answered."""
    page = (ROOT / "docs" / "explanation" / "architecture.md").read_text()
    rooms = page + (ROOT / "actionstep_connect" / "flows" / "__init__.py").read_text()
    assert len(places()) >= 10
    for place in places():
        named = place.removeprefix("actionstep_connect/").removeprefix("docs/")
        assert named in rooms or named.removeprefix("flows/") in rooms, place


def test_the_page_leads_to_what_is_there() -> None:
    """Each place of the map, and each script and module of a command, exists."""
    for place in places():
        assert (ROOT / place).exists() or (ROOT / "actionstep_connect" / place).exists(), place
    for script in re.findall(r"\./(scripts/[\w-]+)", PAGE):
        assert (ROOT / script).exists(), script
    for module in re.findall(r"python -m ([\w.]+)", PAGE):
        path = ROOT / module.replace(".", "/")
        assert path.is_dir() or path.with_suffix(".py").exists(), module
