"""Log records: known names, fields for machines, one line each, and no other way to log."""

import ast
import json
import logging
import re
from pathlib import Path
from uuid import UUID

import pytest

import actionstep_connect
from actionstep_connect.logs import LogEvent, fingerprint, log

PACKAGE = Path(actionstep_connect.__file__).parent
DOCS = Path(__file__).parents[2] / "docs" / "logging.md"
ID = UUID("0b1e6c1d-8a44-4c3e-9d0b-7c6f2f3f6a01")


def test_a_record_is_a_line_and_the_same_as_fields(caplog: pytest.LogCaptureFixture) -> None:
    """What the line says, a machine reads from the record's attributes; the template groups likes."""
    with caplog.at_level(logging.INFO):
        log(logging.INFO, LogEvent.REFRESH, connection=ID, outcome="failed", code="status_503")
    (record,) = caplog.records
    assert record.getMessage() == (
        f"actionstep_connect.refresh connection={ID} outcome=failed code=status_503"
    )
    assert record.msg == "actionstep_connect.refresh connection=%s outcome=%s code=%s"
    fields = {name: vars(record)[name] for name in ("event", "connection_id", "fingerprint")}
    assert json.loads(json.dumps(fields)) == {
        "event": "actionstep_connect.refresh",
        "connection_id": str(ID),
        "fingerprint": "0b1e6c1d",
    }
    assert (vars(record)["outcome"], vars(record)["code"]) == ("failed", "status_503")
    assert (record.name, record.filename) == ("actionstep_connect", "test_logs.py")


def test_the_fingerprint_begins_the_id() -> None:
    """So one search finds a connection in lines that show the id and in fields that do not."""
    assert str(ID).startswith(fingerprint(ID))


def test_no_value_makes_a_second_line(caplog: pytest.LogCaptureFixture) -> None:
    """A line break in a foreign word cannot forge a record; nothing is a dash, and a note comes last."""
    with caplog.at_level(logging.INFO):
        log(logging.INFO, LogEvent.RUN, "50 % of\nit", outcome="a\nb\x1b[31m", code="")
    assert caplog.records[0].getMessage() == (
        r"actionstep_connect.run outcome='a\nb\x1b[31m' code=- '50 % of\nit'"
    )


def test_nothing_is_done_for_a_record_that_nobody_wants(caplog: pytest.LogCaptureFixture) -> None:
    """Below the level, values are not even looked at."""
    with caplog.at_level(logging.ERROR, logger="actionstep_connect"):
        log(logging.INFO, LogEvent.REFRESH, connection=ID, outcome="refreshed")
    assert not caplog.records


def test_the_documentation_lists_every_event() -> None:
    """docs/logging.md has each event once, and none that does not exist."""
    rows = re.findall(r"^\| `(actionstep_connect\.[a-z_]+)` \|", DOCS.read_text(), re.MULTILINE)
    assert rows == [event.value for event in LogEvent]


def test_the_package_logs_in_no_other_way() -> None:
    """Each record goes through `log`, with an event of the list: nowhere is another logger made."""
    used = set()
    for file in PACKAGE.rglob("*.py"):
        if file.is_relative_to(PACKAGE / "sandbox") or file.name == "logs.py":
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Attribute):
                assert node.attr not in {"getLogger", "basicConfig"}, file
                if isinstance(node.value, ast.Name) and node.value.id == "LogEvent":
                    used.add(node.attr)
    assert used == set(LogEvent.__members__)
