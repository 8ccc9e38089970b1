"""Views that need a connection, and the way to get one."""

from collections.abc import Callable, Coroutine, Iterable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, cast, overload

from asgiref.sync import iscoroutinefunction
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect, JsonResponse

from actionstep_connect.exceptions import (
    ActionstepConnectError,
    AmbiguousConnection,
    NotConnected,
    ReconnectRequired,
    ScopeNotGranted,
)
from actionstep_connect.links import connect_url, page_url
from actionstep_connect.models import Connection
from actionstep_connect.scopes import missing_scopes

#: Where the session keeps the organisation that a user of several chose to work in.
CHOSEN_ORGKEY = "actionstep_connect_orgkey"

P = ParamSpec("P")
Answer = Coroutine[Any, Any, HttpResponseBase]


class ActionstepRequest(HttpRequest):
    """What a view gets that requires a connection: a signed-in user's request, and `actionstep`."""

    actionstep: Connection


class ConnectionDecorator(Protocol):
    """Decorates sync and async views alike."""

    @overload
    def __call__(
        self, view: Callable[Concatenate[ActionstepRequest, P], Answer], /
    ) -> Callable[Concatenate[HttpRequest, P], Answer]: ...
    @overload
    def __call__(
        self, view: Callable[Concatenate[ActionstepRequest, P], HttpResponseBase], /
    ) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]: ...


def redirect_to_connect(
    request: HttpRequest,
    *,
    scopes: Iterable[str] | None = None,
    next: str | None = None,  # noqa: A002 - the name that Django's own login redirect uses.
    orgkey: str | None = None,
) -> HttpResponseRedirect:
    """Send the user to connect, asking for `scopes`, and back to `next`, or to this very address.

    What was granted before is asked for again beside `scopes`. `orgkey` is the organisation meant.
    """
    if next is None:
        next = _address(request)  # noqa: A001 - as above.
    return HttpResponseRedirect(connect_url(scopes=scopes, next_url=next, orgkey=orgkey))


def actionstep_connection_required(
    *, scopes: Iterable[str] = (), orgkey: str | None = None
) -> ConnectionDecorator:
    """Give the view `request.actionstep`: its user's connection, which grants all of `scopes`.

    Whoever has none is sent to connect and comes back; whoever has several is asked which. A request
    that prefers JSON is answered 403 with `error`, `detail` and `connect_url` instead. For sync and
    async views, and through `method_decorator` for the methods of classes.
    """
    wanted = tuple(scopes)

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def sync_view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return _sign_in_first(request)
            organisation = orgkey
            try:
                connection = _find(request, request.user, orgkey)
                organisation = connection.orgkey
                _check(connection, wanted)
            except _CURABLE as error:
                return _instead(request, error, scopes=wanted, orgkey=organisation)
            cast("ActionstepRequest", request).actionstep = connection
            return cast("HttpResponseBase", view(request, *args, **kwargs))

        @wraps(view)
        async def async_view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            user = await request.auser()
            if isinstance(user, AnonymousUser):
                return _sign_in_first(request)
            organisation = orgkey
            try:
                connection = await _afind(request, user, orgkey)
                organisation = connection.orgkey
                _check(connection, wanted)
            except _CURABLE as error:
                return _instead(request, error, scopes=wanted, orgkey=organisation)
            cast("ActionstepRequest", request).actionstep = connection
            return cast("HttpResponseBase", await view(request, *args, **kwargs))

        return async_view if iscoroutinefunction(view) else sync_view

    return cast("ConnectionDecorator", decorate)


_CURABLE = (NotConnected, AmbiguousConnection, ReconnectRequired, ScopeNotGranted)


def _find(request: HttpRequest, user: AbstractBaseUser, orgkey: str | None) -> Connection:
    try:
        return Connection.objects.get_for_user(user, orgkey)
    except AmbiguousConnection as error:
        chosen = request.session.get(CHOSEN_ORGKEY)
        if chosen not in error.orgkeys:
            raise
    return Connection.objects.get_for_user(user, chosen)


async def _afind(request: HttpRequest, user: AbstractBaseUser, orgkey: str | None) -> Connection:
    try:
        return await Connection.objects.aget_for_user(user, orgkey)
    except AmbiguousConnection as error:
        chosen = await request.session.aget(CHOSEN_ORGKEY)
        if chosen not in error.orgkeys:
            raise
    return await Connection.objects.aget_for_user(user, chosen)


def _check(connection: Connection, scopes: tuple[str, ...]) -> None:
    if lacking := missing_scopes(scopes, connection.granted_scopes):
        raise ScopeNotGranted(
            f"The user has not granted {', '.join(lacking)} in {connection.orgkey}.", scopes=lacking
        )


def _sign_in_first(request: HttpRequest) -> HttpResponseBase:
    if _prefers_json(request):
        return _forbidden("not_signed_in", "Nobody is signed in.", connect_url())
    return redirect_to_login(_address(request) or page_url("connections"))


def _instead(
    request: HttpRequest,
    error: ActionstepConnectError,
    *,
    scopes: tuple[str, ...],
    orgkey: str | None,
) -> HttpResponseBase:
    prefers_json = _prefers_json(request)
    back = "" if prefers_json else _address(request)
    if isinstance(error, AmbiguousConnection):
        url = page_url("connections", choose="1", next=back)
    else:
        url = connect_url(scopes=scopes, next_url=back, orgkey=orgkey)
    return _forbidden(error.code, str(error), url) if prefers_json else HttpResponseRedirect(url)


def _forbidden(code: str, detail: str, url: str) -> JsonResponse:
    return JsonResponse({"error": code, "detail": detail, "connect_url": url}, status=403)


def _prefers_json(request: HttpRequest) -> bool:
    types = ["text/html", "application/json"]
    return request.get_preferred_type(types) == "application/json"


def _address(request: HttpRequest) -> str:
    # Whoever comes back comes with GET; a form that was posted cannot be posted again.
    return request.get_full_path() if request.method in ("GET", "HEAD") else ""
