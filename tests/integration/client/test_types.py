"""The types of rows: up to date with the facts, and known to an editor."""

import json
import subprocess
import sys
from pathlib import Path

from tests.support.both_clients import Caller
from tests.support.documents import ROOT, module_of

AS_A_USER_WRITES = """
from actionstep_connect.api import ActionstepClient, AsyncActionstepClient
from actionstep_connect.models import Connection


def work(connection: Connection) -> None:
    with ActionstepClient(connection) as actionstep:
        for row in actionstep.iterate("timerecords", sort="-id"):
            reveal_type(row["actualHours"])
            reveal_type(row["links"]["action"])
            row["actualhours"]
        for change in actionstep.changes("tasks", since=None):
            reveal_type(change["status"])
        for anything in actionstep.iterate("nonsense"):
            reveal_type(anything["whatever"])


async def work_async(connection: Connection) -> None:
    async with AsyncActionstepClient(connection) as actionstep:
        async for row in actionstep.aiterate("actions"):
            reveal_type(row["name"])
"""


def test_the_types_are_up_to_date_with_the_facts() -> None:
    """What scripts/make_rows.py would write is what is there."""
    check = [sys.executable, "scripts/make_rows.py", "--check"]
    done = subprocess.run(check, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_pyright_knows_the_members_of_a_row(tmp_path: Path) -> None:
    """An editor knows members and their types, and marks a misspelt one; other names stay open."""
    file = tmp_path / "site.py"
    file.write_text(AS_A_USER_WRITES)
    config = tmp_path / "pyrightconfig.json"
    config.write_text(
        json.dumps(
            {
                "include": [str(file)],
                "extraPaths": [str(ROOT)],
                "typeCheckingMode": "standard",
                "pythonVersion": "3.11",
            }
        )
    )
    pyright = [sys.executable, "-m", "basedpyright", "--outputjson", "--project", str(config)]
    done = subprocess.run(
        [*pyright, "--pythonpath", sys.executable],
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )
    said = json.loads(done.stdout)["generalDiagnostics"]
    revealed = [each["message"] for each in said if each["severity"] == "information"]
    assert [text.rpartition(" is ")[2].strip('"') for text in revealed] == [
        "float",
        "str | None",
        "Literal['Incomplete', 'Complete', 'Hidden', 'Deleted']",
        "Any",
        "str | None",
    ]
    errors = [each for each in said if each["severity"] == "error"]
    assert len(errors) == 1
    assert '"actualhours" is not a defined key in "TimerecordsRow"' in errors[0]["message"]


def test_the_page_is_run(caller: Caller) -> None:
    """The example adds up hours."""
    report = module_of("typed.py", "docs/client/types.md").report
    assert report(caller.connection) > 0
