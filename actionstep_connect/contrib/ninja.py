"""Operations of Django Ninja that need a connection. Needs `django-ninja`.

@api.get("/hours", auth=django_auth)
@connection_required(scopes=["timerecords"])
def hours(request): ...
"""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from asgiref.sync import sync_to_async
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, JsonResponse
from ninja.signature.utils import get_typed_signature

from actionstep_connect.decorators.api_views import Orgkey, fixed, for_request
from actionstep_connect.decorators.detour import not_signed_in, refusal
from actionstep_connect.decorators.finding import (
    CURABLE,
    Needs,
    achosen_by,
    afind,
    check,
    chosen_by,
    find,
    required,
    roll_back,
)
from actionstep_connect.exceptions import ActionstepConnectError
from actionstep_connect.scopes import Scopes
from actionstep_connect.users import is_user

__all__ = ["connection_required"]

Operation = TypeVar("Operation", bound=Callable[..., Any])
#: Gives the user of a request that Ninja has authenticated, or None.
UserOf = Callable[[Any], Any]

UNNAMED = (
    "connection_required takes the user from `request.auth`, and finds {found} there: give the "
    "operation an `auth` that returns the user, or pass `user=`, a callable that takes the request."
)


def authenticated(request: HttpRequest) -> AbstractBaseUser:
    """Return the user that the operation's `auth` returned. Raises ImproperlyConfigured for none.

    Never the session's user in place of that: the cookie may be another user's, and nothing has
    protected it against forged requests.
    """
    found = getattr(request, "auth", None)
    if is_user(found):
        return found
    raise ImproperlyConfigured(UNNAMED.format(found=f"a {type(found).__name__}"))


def connection_required(
    *, scopes: Scopes = (), orgkey: Orgkey = None, user: UserOf = authenticated
) -> Callable[[Operation], Operation]:
    """Add `request.actionstep` to the operation: the connection of the user that its `auth` returned.

    A user without a connection that grants all of `scopes` is answered 403 with `error`, `detail` and
    `connect_url`, as `actionstep_connection_required` answers them; so it goes too when the operation
    itself meets such an error. To be written below `@api.get`, for sync and async functions. `orgkey`
    and `user` may be callables that take the request; `user` may be asynchronous.

    Raises ValueError if `scopes` are no scope names, and TypeError for a generator.
    """
    stated = required(scopes, fixed(orgkey))

    def decorate(operation: Operation) -> Operation:
        if inspect.isgeneratorfunction(operation) or inspect.isasyncgenfunction(operation):
            raise TypeError(
                "An answer that streams cannot be refused: return the generator instead."
            )
        make = _async if inspect.iscoroutinefunction(operation) else _sync
        decorated = make(operation, stated, orgkey, user)
        # Annotations that are text mean names of the operation's own module.
        vars(decorated)["__signature__"] = get_typed_signature(operation)
        return cast("Operation", decorated)

    return decorate


def _sync(operation: Any, stated: Needs, orgkey: Orgkey, user_of: UserOf) -> Any:
    @wraps(operation)
    def decorated(request: Any, *args: Any, **kwargs: Any) -> Any:
        user, needs = user_of(request), for_request(stated, orgkey, request)
        if not is_user(user):
            return JsonResponse(not_signed_in(request), status=403)
        named = needs.orgkey
        try:
            connection = find(user, needs, chosen=chosen_by(user, request, named))
            named = connection.orgkey
            check(connection, needs.scopes)
            request.actionstep = connection
            return operation(request, *args, **kwargs)
        except CURABLE as error:
            return _refused(request, error, needs.scopes, named)

    return decorated


def _async(operation: Any, stated: Needs, orgkey: Orgkey, user_of: UserOf) -> Any:
    @wraps(operation)
    async def decorated(request: Any, *args: Any, **kwargs: Any) -> Any:
        user, needs = user_of(request), for_request(stated, orgkey, request)
        if inspect.isawaitable(user):
            user = await user
        if not is_user(user):
            return JsonResponse(not_signed_in(request), status=403)
        named = needs.orgkey
        try:
            connection = await afind(user, needs, chosen=await achosen_by(user, request, named))
            named = connection.orgkey
            check(connection, needs.scopes)
            request.actionstep = connection
            return await operation(request, *args, **kwargs)
        except CURABLE as error:
            return await sync_to_async(_refused)(request, error, needs.scopes, named)

    return decorated


def _refused(
    request: HttpRequest, error: ActionstepConnectError, scopes: tuple[str, ...], orgkey: str | None
) -> JsonResponse:
    roll_back()
    return JsonResponse(refusal(request, error, scopes, orgkey), status=403)
