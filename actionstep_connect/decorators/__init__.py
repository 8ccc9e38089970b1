"""Views that need a connection, and the way to get one."""

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, cast, overload

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.contrib.auth.middleware import auser
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.views import View

from actionstep_connect.decorators import rest
from actionstep_connect.decorators.detour import instead, redirect_for, sign_in_first, way_back
from actionstep_connect.decorators.finding import (
    CURABLE,
    CURABLE_BY_CONNECTING,
    Needs,
    achosen_by,
    afind,
    check,
    chosen_by,
    find,
    required,
    roll_back,
)
from actionstep_connect.links import connect_url, next_for
from actionstep_connect.models import Connection
from actionstep_connect.scopes import Scopes
from actionstep_connect.users import is_user

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
    scopes: Scopes | None = None,
    next: str | None = None,  # noqa: A002 - the name that Django's own login redirect uses.
    orgkey: str | None = None,
) -> HttpResponseRedirect:
    """Send the user to connect, asking for `scopes`, and back to `next`, or to this very address.

    A submitted form is not resubmitted: the user returns to the page that it was on.
    What was granted before is asked for again beside `scopes`. `orgkey` is the organisation meant.
    """
    if next is None:
        next = way_back(request)  # noqa: A001 - as above.
    url = connect_url(scopes=scopes, next_url=next_for(request, next), orgkey=orgkey)
    return redirect_for(request, url)


def actionstep_connection_required(
    *, scopes: Scopes = (), orgkey: str | None = None
) -> ConnectionDecorator:
    """Add `request.actionstep` to the view: its user's connection, which grants all of `scopes`.

    A user who has none is sent to connect, asked for SCOPES and `scopes`, and comes back; a submitted
    form is not resubmitted. A user who has several is asked which. The same happens when the view
    itself meets NotConnected, ReconnectRequired or ScopeNotGranted; what it wrote under
    ATOMIC_REQUESTS is then rolled back. A request that prefers JSON is answered 403 with `error` (the
    error's code, or `not_signed_in`), `detail` and the absolute `connect_url` instead.

    For sync and async views; for class-based ones around `as_view()`, or through `method_decorator`
    for `dispatch` or for a method. The users of Django REST framework's views are those that its own
    authentication finds. Raises ValueError if `scopes` are no scope names.
    """
    needs = required(scopes, orgkey)

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        return _async_view(view, needs) if _is_async(view) else _sync_view(view, needs)

    return cast("ConnectionDecorator", decorate)


def _sync_view(view: Callable[..., Any], needs: Needs) -> Callable[..., Any]:
    @wraps(view)
    def decorated(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        api_view = rest.find_view(view)
        try:
            user = rest.user_of(request, api_view)
        except rest.RefusedError:
            return cast("HttpResponseBase", view(request, *args, **kwargs))
        is_rest = api_view is not None
        if user is None:
            return sign_in_first(request, is_rest=is_rest)
        try:
            chosen = chosen_by(user, request, needs.orgkey)
            connection = find(user, needs, chosen=chosen)
        except CURABLE as error:
            return instead(request, error, needs.scopes, needs.orgkey, is_rest=is_rest)
        try:
            check(connection, needs.scopes)
            cast("ActionstepRequest", request).actionstep = connection
            return cast("HttpResponseBase", view(request, *args, **kwargs))
        except CURABLE_BY_CONNECTING as error:
            roll_back()
            return instead(request, error, needs.scopes, connection.orgkey, is_rest=is_rest)

    return decorated


def _async_view(view: Callable[..., Any], needs: Needs) -> Callable[..., Any]:
    @wraps(view)
    async def decorated(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        user = await _auser(request)
        if not is_user(user):
            return sign_in_first(request)
        try:
            chosen = await achosen_by(user, request, needs.orgkey)
            connection = await afind(user, needs, chosen=chosen)
        except CURABLE as error:
            return await _ainstead(request, error, *needs)
        try:
            check(connection, needs.scopes)
            cast("ActionstepRequest", request).actionstep = connection
            return cast("HttpResponseBase", await view(request, *args, **kwargs))
        except CURABLE_BY_CONNECTING as error:
            roll_back()
            return await _ainstead(request, error, needs.scopes, connection.orgkey)

    return decorated


async def _auser(request: HttpRequest) -> object:
    """Return who is signed in, as the site's own code has it."""
    # A middleware that takes users from a token, or lets staff act as users, may have replaced one of
    # `user` and `auser` alone. `user` may have to ask the database, for which it needs a thread.
    if getattr(request.auser, "func", None) is not auser:
        return await request.auser()
    return await sync_to_async(lambda: request.user if is_user(request.user) else None)()


#: It may render a page, for which a site's own base template may ask the database who is signed in.
_ainstead = sync_to_async(instead)


def _is_async(view: Callable[..., Any]) -> bool:
    # `method_decorator` hands over a partial of a bound method. A class's `dispatch` is a plain function
    # even where the methods that it calls are asynchronous, and its answer has to be awaited.
    instance = getattr(getattr(view, "func", None), "__self__", None)
    return iscoroutinefunction(view) or (isinstance(instance, View) and instance.view_is_async)
