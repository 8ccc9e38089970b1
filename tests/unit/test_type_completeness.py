"""Type checkers know all that a site imports, without a plugin, where Django's stubs are installed."""

import json
import subprocess
import sys

import pytest

from docs.extensions.public_names import MODULES


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_has_its_type(module: str) -> None:
    """`pyright --verifytypes` finds no type unknown, and none that another checker may infer otherwise."""
    pyright = [sys.executable, "-m", "basedpyright", "--verifytypes", module, "--ignoreexternal"]
    done = subprocess.run(
        [*pyright, "--outputjson"], capture_output=True, text=True, check=False, timeout=120
    )
    found = json.loads(done.stdout)["typeCompleteness"]
    assert found["exportedSymbolCounts"]["withKnownType"] > 0
    unknown = [each["name"] for each in found["symbols"] if not each["isTypeKnown"]]
    assert found["completenessScore"] == 1, unknown
