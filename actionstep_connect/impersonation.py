"""Who acts: the person in front of the screen, also while they act as another user."""

from collections.abc import Callable

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.module_loading import import_string

from actionstep_connect.conf import get_config

#: Where django-hijack keeps, from the first on, the keys of those who act as others.
HIJACK_HISTORY = "hijack_history"

#: What the setting IMPERSONATOR names: it returns who acts as `request.user`, or None.
Impersonator = Callable[[HttpRequest], AbstractBaseUser | None]


def actor_of(request: HttpRequest) -> AbstractBaseUser | None:
    """Return who acts in `request`: its user, or the person who acts as that user; None if anonymous."""
    if not request.user.is_authenticated:
        return None
    find: Impersonator = import_string(get_config().impersonator)
    return find(request) or request.user


def acting_as(request: HttpRequest) -> str:
    """Return the name of the user as whom another person acts in `request`; "" if there is none."""
    actor = actor_of(request)
    if actor is None or not request.user.is_authenticated or actor.pk == request.user.pk:
        return ""
    return request.user.get_username()


def from_hijack(request: HttpRequest) -> AbstractBaseUser | None:
    """Return the person whom django-hijack lets act as another user, the first where several do."""
    keys = request.session.get(HIJACK_HISTORY) if hasattr(request, "session") else None
    if not keys:
        return None
    try:
        return get_user_model()._base_manager.filter(pk=keys[0]).first()
    except (ValidationError, ValueError):
        return None
