"""Store the schema that is released, with connected users: `python -m tests.integration.upgrades.keep`.

Run once for each release; the tests of all later ones start from what it stores.
"""

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

FOLDER = Path(__file__).with_name("releases")
TEST = "tests/integration/upgrades/test_upgrades.py::test_users_stay_connected[today]"


def main() -> None:
    """Let the test of the present schema store what it has made, for good."""
    file = FOLDER / f"{version('django-actionstep-connect')}.json"
    if file.exists():
        raise SystemExit(f"{file.name} is there already: what was released does not change.")
    FOLDER.mkdir(exist_ok=True)
    with_file = [f"--keep-release={file}", "--database=sqlite", TEST]
    subprocess.run([sys.executable, "-m", "pytest", "-q", *with_file], check=True)
    assert json.loads(file.read_text())["rows"]
    print(f"Stored {file.name}: commit it.")


if __name__ == "__main__":
    main()
