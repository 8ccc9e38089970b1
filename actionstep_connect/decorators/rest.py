"""Views of Django REST framework, which says within the view who is signed in."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest

from actionstep_connect.users import is_user


class RefusedError(Exception):
    """The credentials are refused: the view itself answers that, as Django REST framework does."""


def find_view(view: Callable[..., Any]) -> Any:
    """Return the instance of `APIView` that `view` leads to, or None for any other view.

    `view` is what `as_view()` or `@api_view` gives, or a method that `method_decorator` hands over.
    """
    instance = getattr(getattr(view, "func", None), "__self__", None)
    cls: Any = getattr(view, "cls", None)
    if instance is None and hasattr(cls, "initialize_request"):
        instance = cls(**getattr(view, "initkwargs", {}))
        instance.action_map = getattr(view, "actions", None) or {}  # Of a view set.
    return instance if hasattr(instance, "initialize_request") else None


def user_of(request: HttpRequest, api_view: Any) -> AbstractBaseUser | None:
    """Return who is signed in, or None; where there is an `api_view`, whom it takes `request` to be from.

    Raises RefusedError if its authentication classes do not accept the credentials.
    """
    # A method of an `APIView` is called with its own kind of request, which has been authenticated.
    is_outside = api_view is not None and isinstance(request, HttpRequest)
    user = _authenticate(request, api_view) if is_outside else request.user
    return user if is_user(user) else None


def _authenticate(request: HttpRequest, api_view: Any) -> object:
    before = request.user
    try:
        user: object = api_view.initialize_request(request).user
    except Exception as error:
        # Whatever an authentication class raises, raised again and answered when the view runs.
        raise RefusedError from error
    finally:
        # The view authenticates again: to it, a user from a token must not seem one of a session.
        request.user = before
    return user
