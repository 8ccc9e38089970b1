"""Views that need a connection, and the way to get one."""

from collections.abc import Callable, Coroutine, Iterable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, cast, overload
from urllib.parse import urlsplit

from asgiref.sync import iscoroutinefunction
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.views import redirect_to_login
from django.contrib.sessions.backends.base import SessionBase
from django.db import connections
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect, JsonResponse
from django.utils.http import escape_leading_slashes, url_has_allowed_host_and_scheme
from django.views import View

from actionstep_connect.exceptions import (
    ActionstepConnectError,
    AmbiguousConnection,
    NotConnected,
    ReconnectRequired,
    ScopeNotGranted,
)
from actionstep_connect.links import connect_url, page_url
from actionstep_connect.models import Connection
from actionstep_connect.scopes import missing_scopes, unique_scopes

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

    A form that was posted is not posted again: its sender comes back to the page that it was on.
    What was granted before is asked for again beside `scopes`. `orgkey` is the organisation meant.
    """
    if next is None:
        next = _way_back(request)  # noqa: A001 - as above.
    return HttpResponseRedirect(connect_url(scopes=scopes, next_url=next, orgkey=orgkey))


def actionstep_connection_required(
    *, scopes: Iterable[str] = (), orgkey: str | None = None
) -> ConnectionDecorator:
    """Give the view `request.actionstep`: its user's connection, which grants all of `scopes`.

    Whoever has none is sent to connect and comes back, though nothing is posted again; whoever has
    several is asked which. So it goes too when the view itself meets NotConnected, ReconnectRequired
    or ScopeNotGranted; what it wrote under ATOMIC_REQUESTS is then rolled back. A request that
    prefers JSON is answered 403 with `error` (the error's code, or `not_signed_in`), `detail` and
    the absolute `connect_url` instead.

    For sync and async views; for class-based ones around `as_view()`, or through `method_decorator`
    for `dispatch` or for a method.
    """
    wanted = tuple(scopes)

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def sync_view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return _sign_in_first(request)
            try:
                connection = _find(request, request.user, orgkey)
            except _CURABLE as error:
                return _instead(request, error, scopes=wanted, orgkey=orgkey)
            try:
                _check(connection, wanted)
                cast("ActionstepRequest", request).actionstep = connection
                return cast("HttpResponseBase", view(request, *args, **kwargs))
            except _CURABLE_BY_CONNECTING as error:
                _roll_back()
                return _instead(request, error, scopes=wanted, orgkey=connection.orgkey)

        @wraps(view)
        async def async_view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            user = await request.auser()
            if isinstance(user, AnonymousUser):
                return _sign_in_first(request)
            try:
                connection = await _afind(request, user, orgkey)
            except _CURABLE as error:
                return _instead(request, error, scopes=wanted, orgkey=orgkey)
            try:
                _check(connection, wanted)
                cast("ActionstepRequest", request).actionstep = connection
                return cast("HttpResponseBase", await view(request, *args, **kwargs))
            except _CURABLE_BY_CONNECTING as error:
                _roll_back()
                return _instead(request, error, scopes=wanted, orgkey=connection.orgkey)

        return async_view if _is_async(view) else sync_view

    return cast("ConnectionDecorator", decorate)


_CURABLE_BY_CONNECTING = (NotConnected, ReconnectRequired, ScopeNotGranted)
_CURABLE = (AmbiguousConnection, *_CURABLE_BY_CONNECTING)


def _is_async(view: Callable[..., Any]) -> bool:
    # `method_decorator` hands over a partial of a bound method. A class's `dispatch` is a plain function
    # even where the methods that it calls are asynchronous, and its answer has to be awaited.
    instance = getattr(getattr(view, "func", None), "__self__", None)
    return iscoroutinefunction(view) or (isinstance(instance, View) and instance.view_is_async)


def _roll_back() -> None:
    # As if the error had left the view: half of what it meant to write must not stay.
    for connection in connections.all(initialized_only=True):
        if connection.settings_dict["ATOMIC_REQUESTS"] and connection.in_atomic_block:
            connection.set_rollback(True)


def _find(request: HttpRequest, user: AbstractBaseUser, orgkey: str | None) -> Connection:
    session = _session(request, orgkey)
    chosen = session.get(CHOSEN_ORGKEY) if session is not None else None
    try:
        connection = Connection.objects.get_for_user(user, orgkey)
    except AmbiguousConnection as error:
        if chosen not in error.orgkeys:
            raise
        return Connection.objects.get_for_user(user, chosen)
    return _as_chosen(connection, chosen)


async def _afind(request: HttpRequest, user: AbstractBaseUser, orgkey: str | None) -> Connection:
    session = _session(request, orgkey)
    chosen = await session.aget(CHOSEN_ORGKEY) if session is not None else None
    try:
        connection = await Connection.objects.aget_for_user(user, orgkey)
    except AmbiguousConnection as error:
        if chosen not in error.orgkeys:
            raise
        return await Connection.objects.aget_for_user(user, chosen)
    return _as_chosen(connection, chosen)


def _session(request: HttpRequest, orgkey: str | None) -> SessionBase | None:
    # No choice matters to a view that names its organisation, and a request signed in by a token may
    # have no session.
    return getattr(request, "session", None) if orgkey is None else None


def _as_chosen(connection: Connection, chosen: str | None) -> Connection:
    # What a user does in one firm must not end up in another because the first one's token ended.
    if chosen in (None, connection.orgkey):
        return connection
    raise AmbiguousConnection(
        f"This user chose {chosen}, and only {connection.orgkey} is left: ask them again.",
        orgkeys=(connection.orgkey,),
    )


def _check(connection: Connection, scopes: tuple[str, ...]) -> None:
    if lacking := missing_scopes(scopes, connection.granted_scopes):
        raise ScopeNotGranted(
            f"The user has not granted {', '.join(lacking)} in {connection.orgkey}.", scopes=lacking
        )


def _sign_in_first(request: HttpRequest) -> HttpResponseBase:
    if _prefers_json(request):
        return _forbidden(request, "not_signed_in", "Nobody is signed in.", connect_url())
    return redirect_to_login(_way_back(request) or page_url("connections"))


def _instead(
    request: HttpRequest,
    error: ActionstepConnectError,
    *,
    scopes: tuple[str, ...],
    orgkey: str | None,
) -> HttpResponseBase:
    prefers_json = _prefers_json(request)
    back = "" if prefers_json else _way_back(request)
    if isinstance(error, ScopeNotGranted):
        scopes = unique_scopes([*scopes, *error.scopes])
    if isinstance(error, AmbiguousConnection):
        url = page_url("connections", choose="1", next=back)
    else:
        url = connect_url(scopes=scopes, next_url=back, orgkey=orgkey)
    if prefers_json:
        return _forbidden(request, error.code, str(error), url)
    return HttpResponseRedirect(url)


def _forbidden(request: HttpRequest, code: str, detail: str, url: str) -> JsonResponse:
    connect_url = request.build_absolute_uri(url)
    return JsonResponse({"error": code, "detail": detail, "connect_url": connect_url}, status=403)


def _prefers_json(request: HttpRequest) -> bool:
    types = ["text/html", "application/json"]
    return request.get_preferred_type(types) == "application/json"


def _way_back(request: HttpRequest) -> str:
    if request.method in ("GET", "HEAD"):
        return request.get_full_path()
    # Whoever comes back comes with GET, and the address of a posted form may know no GET.
    referer = request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(
        referer, {request.get_host()}, require_https=request.is_secure()
    ):
        return ""
    page = urlsplit(referer)
    path = escape_leading_slashes(page.path)
    return f"{path}?{page.query}" if page.query else path
