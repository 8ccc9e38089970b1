"""The OpenAPI document that the sandbox serves, and the sandbox held to it by schemathesis."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from actionstep_connect.sandbox.facts.table import RESOURCES
from actionstep_connect.testing import Sandbox
from tests.support.visitor import Application

CASES = 2000
EXAMPLES = 13
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
SPECIAL = {
    *("/actioncreate", "/actionchangestep", "/as-common/application-meta-data"),
    *("/files", "/files/{id}"),
}


def test_the_document_describes_what_is_served(application: Application) -> None:
    """Every address and verb of the facts, and no other; anybody may read it."""
    document: dict[str, Any] = application.http.get("/sandbox/openapi.json").json()
    expected = {f"/{one.name}": one.verbs for one in RESOURCES.values() if one.verbs}
    expected |= {f"/{one.name}/{{id}}": one.row_verbs for one in RESOURCES.values()}
    described = {
        path: {verb.upper() for verb in operations if verb != "parameters"}
        for path, operations in document["paths"].items()
        if path not in SPECIAL
    }
    assert described == {path: set(verbs) for path, verbs in expected.items() if verbs}
    assert document["servers"] == [{"url": f"{application.http.base_url}/api/rest"}]


@pytest.mark.timeout(600)
@pytest.mark.long
def test_schemathesis_finds_nothing(
    sandbox: Sandbox, application: Application, tmp_path: Path
) -> None:
    """2,000 cases: no 5xx, and no answer against the document."""
    token = application.issued()["access_token"]
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{sandbox.url}/sandbox/openapi.json"),
        *("--header", f"Authorization: Bearer {token}", "--checks", ",".join(CHECKS)),
        *("--phases", "fuzzing", "--max-examples", str(EXAMPLES), "--seed", "1"),
        *("--warnings", "off", "--no-color", "--generation-database", "none"),
    ]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-5000:] + run.stderr[-2000:]
    counted = re.search(r"(\d+) generated, (\d+) passed", run.stdout)
    assert counted, run.stdout[-5000:]
    assert int(counted[1]) == int(counted[2]) >= CASES
