"""The filter for access logs: a callback's address without what Actionstep put into it."""

import logging
from typing import Any

import pytest

from actionstep_connect.logs import HideAuthorizationCodes

LINE = "GET /actionstep/callback/?code=canary-code&state=canary-state HTTP/1.1"
HIDDEN = "GET /actionstep/callback/?code=…&state=… HTTP/1.1"


class Atoms(dict[str, Any]):
    """What Gunicorn gives to its log: a dict that has something for each name."""

    def __getitem__(self, name: str) -> Any:
        return super().get(name, "-")


def logged(message: object, *args: Any) -> str:
    record = logging.LogRecord("access", logging.INFO, "", 0, str(message), args, None)
    assert HideAuthorizationCodes().filter(record)
    return record.getMessage()


@pytest.mark.parametrize(
    ("message", "args", "shown"),
    [
        ('"%s" %s %s', (LINE, "302", "0"), f'"{HIDDEN}" 302 0'),
        ('%(h)s "%(r)s" %({x}i)s', (Atoms(h="127.0.0.1", r=LINE),), f'127.0.0.1 "{HIDDEN}" -'),
        ('%s - "%s %s HTTP/%s" %d', ("1.2.3.4:5", *LINE.split()[:2], "1.1", 302), None),
        (f"no arguments: {LINE}", (), f"no arguments: {HIDDEN}"),
        ("/callback/?state=canary&x=%s", (7,), "/callback/?state=…&x=7"),
        ("/rest/?postcode=%s&states=2", (6011,), "/rest/?postcode=6011&states=2"),
    ],
    ids=["django", "gunicorn", "uvicorn", "no arguments", "state first", "other names"],
)
def test_s39_codes_and_states_are_hidden(
    message: str, args: tuple[Any, ...], shown: str | None
) -> None:
    """Whichever server logs it, the rest of the line is as it was."""
    assert logged(message, *args) == (shown or f'1.2.3.4:5 - "{HIDDEN}" 302')
