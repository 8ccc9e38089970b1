"""Where Actionstep calls. Nothing that comes can fail it, and a stranger leaves nothing behind."""

import logging
from http import HTTPStatus

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, InterfaceError, connections, transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from actionstep_connect.hooks.flows.intake import Intake, Read, take_in
from actionstep_connect.hooks.waking import waker
from actionstep_connect.logs import LogEvent, log
from actionstep_connect.secret import Secret

_STATUS = {
    Intake.STORED: HTTPStatus.OK,
    # Anything else would disable the hook, and what follows would be missed as well.
    Intake.UNREADABLE: HTTPStatus.OK,
    Intake.STRANGER: HTTPStatus.NOT_FOUND,
}


def _receive(request: HttpRequest, secret: str) -> HttpResponse:
    """Store what a call tells of, then answer 200; 404 to a stranger, without reading the body.

    503 while the database is away: Actionstep then disables the hook, so that it is known that
    something was missed, and it is fetched when the hook is registered again.
    """
    if request.method != "POST":
        return _answer(HTTPStatus.METHOD_NOT_ALLOWED)
    try:
        intake = take_in(Secret(secret), _reader(request))
    except Exception as error:  # noqa: BLE001 - an error report would show the address.
        is_away = isinstance(error, DatabaseError | InterfaceError)
        level = logging.WARNING if is_away else logging.ERROR
        log(level, LogEvent.CALL_NOT_STORED, error=type(error).__name__)
        return _answer(HTTPStatus.SERVICE_UNAVAILABLE)
    if intake is Intake.STORED:
        waker.wake()
    return _answer(_STATUS[intake])


def _reader(request: HttpRequest) -> Read:
    """Return what reads the body.

    Not `request.body`: a site may have set a lower limit, which raises.
    """
    environ = getattr(request, "environ", {})
    if not environ.get("CONTENT_LENGTH") and environ.get("wsgi.input_terminated"):
        # It came in chunks. Django reads nothing without a length, which such a server does not need.
        read: Read = environ["wsgi.input"].read
        return read
    return request.read


def _answer(status: HTTPStatus) -> HttpResponse:
    response = HttpResponse(status=status, content_type="text/plain")
    response.headers["Cache-Control"] = "no-store"
    # Without CommonMiddleware no one else says so, and it would be sent as one empty chunk.
    response.headers["Content-Length"] = "0"
    # Django would log the address of what is not 200, and e-mail the ADMINS about a 503.
    response._has_been_logged = True  # type: ignore[attr-defined]
    if status is HTTPStatus.METHOD_NOT_ALLOWED:
        response.headers["Allow"] = "POST"
    return response


receive = csrf_exempt(login_not_required(_receive))
for alias in connections:
    receive = transaction.non_atomic_requests(using=alias)(receive)
