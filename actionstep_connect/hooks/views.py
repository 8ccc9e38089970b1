"""Where Actionstep calls. Nothing that comes can fail it, and a stranger leaves nothing behind."""

from http import HTTPStatus

from django.contrib.auth.decorators import login_not_required
from django.db import connections, transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from actionstep_connect.hooks.answers import headers_for, status_for
from actionstep_connect.hooks.flows.intake import Read, take_in
from actionstep_connect.secret import Secret


def _receive(request: HttpRequest, secret: str) -> HttpResponse:
    """Store what a call tells of, then answer 200; 404 to a stranger, without reading the body."""
    if request.method != "POST":
        return _answer(HTTPStatus.METHOD_NOT_ALLOWED)
    try:
        return _answer(status_for(take_in(Secret(secret), _reader(request))))
    except Exception as error:  # noqa: BLE001 - an error report would show the address.
        return _answer(status_for(error))


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
    response = HttpResponse(status=status, headers={**headers_for(status)})
    # Django would log the address of what is not 200, and e-mail the ADMINS about a 503.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response


receive = csrf_exempt(login_not_required(_receive))
for alias in connections:
    receive = transaction.non_atomic_requests(using=alias)(receive)
