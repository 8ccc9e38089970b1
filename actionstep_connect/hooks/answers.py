"""What a call is answered, whichever server it came through."""

import logging
from collections.abc import Mapping
from http import HTTPStatus

from django.db import DatabaseError, InterfaceError

from actionstep_connect.hooks.flows.intake import Intake
from actionstep_connect.logs import LogEvent, log

_STATUS = {
    Intake.STORED: HTTPStatus.OK,
    # Anything else would disable the hook, and what follows would be missed as well.
    Intake.UNREADABLE: HTTPStatus.OK,
    Intake.STRANGER: HTTPStatus.NOT_FOUND,
}
_HEADERS = {
    "Content-Type": "text/plain",
    # Without CommonMiddleware no one else says so, and it would be sent as one empty chunk.
    "Content-Length": "0",
    "Cache-Control": "no-store",
}
_HEADERS_OF = {HTTPStatus.METHOD_NOT_ALLOWED: _HEADERS | {"Allow": "POST"}}


def status_for(outcome: Intake | Exception) -> HTTPStatus:
    """Return the status for what became of a call, or for what kept it from being stored.

    503 while the database is away: Actionstep then disables the hook, so that it is known that
    something was missed, and it is fetched when the hook is registered again.
    """
    if isinstance(outcome, Intake):
        return _STATUS[outcome]
    is_away = isinstance(outcome, DatabaseError | InterfaceError)
    # Without a traceback, which would show the address.
    level = logging.WARNING if is_away else logging.ERROR
    log(level, LogEvent.CALL_NOT_STORED, error=type(outcome).__name__)
    return HTTPStatus.SERVICE_UNAVAILABLE


def headers_for(status: HTTPStatus) -> Mapping[str, str]:
    """Return the headers of an answer; its body is empty."""
    return _HEADERS_OF.get(status, _HEADERS)
