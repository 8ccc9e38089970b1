"""The filter for access logs: a callback's address without what Actionstep put into it."""

import logging
from typing import Any

import pytest

from actionstep_connect.logs import HideAuthorizationCodes, hide_authorization_codes

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
        (
            "%(U)s?%(q)s",
            (Atoms(U="/cb/", q="code=canary-code&state=canary"),),
            "/cb/?code=…&state=…",
        ),
        ("%(q)s", (Atoms(q="x=1&state=canary&code=canary"),), "x=1&state=…&code=…"),
        ("%({query_string}e)s", (Atoms({"{query_string}e": "state=canary"}),), "state=…"),
        (
            "%(f)s",
            (Atoms(f="https://law.example/cb/?code=canary#top"),),
            "https://law.example/cb/?code=…#top",
        ),
        ('%s - "%s %s HTTP/%s" %d', ("1.2.3.4:5", *LINE.split()[:2], "1.1", 302), None),
        (f"no arguments: {LINE}", (), f"no arguments: {HIDDEN}"),
        ("/callback/?state=canary&x=%s", (7,), "/callback/?state=…&x=7"),
        ("/rest/?postcode=%s&states=2", (6011,), "/rest/?postcode=6011&states=2"),
    ],
    ids=[
        "django",
        "gunicorn",
        "gunicorn q",
        "gunicorn q in the midst",
        "gunicorn e",
        "gunicorn f",
        "uvicorn",
        "no arguments",
        "state first",
        "other names",
    ],
)
def test_s39_codes_and_states_are_hidden(
    message: str, args: tuple[Any, ...], shown: str | None
) -> None:
    """Whichever server logs it, the rest of the line is as it was."""
    assert logged(message, *args) == (shown or f'1.2.3.4:5 - "{HIDDEN}" 302')


def test_s39_an_event_of_a_monitoring_product_is_without_them() -> None:
    """However deep they are, and whether a query stands alone; everything else is as it was."""
    event = {
        "request": {"url": "https://law.example/cb/", "query_string": "code=canary&state=canary"},
        "exception": {"values": [{"frames": ({"vars": {"request": f"<WSGIRequest: {LINE}>"}},)}]},
        "breadcrumbs": [{"data": {"url.full": "/cb/?state=canary&x=1"}}],
        "tags": {"code": 7, "transaction": "/cb/", "none": None},
    }
    assert hide_authorization_codes(event, {}) == {
        "request": {"url": "https://law.example/cb/", "query_string": "code=…&state=…"},
        "exception": {"values": [{"frames": [{"vars": {"request": f"<WSGIRequest: {HIDDEN}>"}}]}]},
        "breadcrumbs": [{"data": {"url.full": "/cb/?state=…&x=1"}}],
        "tags": {"code": 7, "transaction": "/cb/", "none": None},
    }
