"""What a site's user model has: it may lack all that Django's own has beyond a name and a key."""

from typing import Any, TypeGuard

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser


def is_user(found: object) -> TypeGuard[AbstractBaseUser]:
    """Return whether `found` is a user of the site, and not of another table that has the same keys."""
    return isinstance(found, get_user_model())


def email_field() -> str:
    """Return the name of the field for e-mail addresses, which the user model need not have."""
    model: Any = get_user_model()
    return str(model.get_email_field_name() if hasattr(model, "get_email_field_name") else "email")


def email_of(user: object) -> str:
    """Return the e-mail address of `user`, or nothing."""
    return str(getattr(user, email_field(), "") or "")


def user_called(name: str) -> AbstractBaseUser | None:
    """Return the user who signs in as `name`, if there is one."""
    model: Any = get_user_model()
    users = model._default_manager
    try:
        # As Django signs users in, which may be without regard to case.
        if hasattr(users, "get_by_natural_key"):
            user: AbstractBaseUser = users.get_by_natural_key(name)
        else:
            user = users.get(**{model.USERNAME_FIELD: name})
    except (model.DoesNotExist, ValueError):
        # A ValueError where users are called by a number, or by the key of another table's row.
        return None
    return user
