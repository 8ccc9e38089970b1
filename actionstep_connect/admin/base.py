"""What all our admin pages have in common: they show, and change nothing."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format

from actionstep_connect.models import Connection, ConnectionEvent, Heartbeat

if TYPE_CHECKING:
    # At run time Django's admin is not generic (django-stubs makes it so).
    ConnectionPages = admin.ModelAdmin[Connection]
    EventPages = admin.ModelAdmin[ConnectionEvent]
    HeartbeatPages = admin.ModelAdmin[Heartbeat]
else:
    ConnectionPages = EventPages = HeartbeatPages = admin.ModelAdmin


class ReadOnly:
    """A mixin for pages on which nothing is added or changed."""

    #: So that a long list is not counted twice.
    show_full_result_count = False

    def has_add_permission(self, _request: HttpRequest) -> bool:
        """Rows come from flows only."""
        return False

    def has_change_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        """Rows are changed by flows only."""
        return False


def user_search_fields(prefix: str) -> tuple[str, ...]:
    """Return how a user is searched by name or e-mail, whatever the site's user model has."""
    model = get_user_model()
    wanted = (model.USERNAME_FIELD, model.get_email_field_name(), "first_name", "last_name")
    return tuple(f"{prefix}{name}" for name in dict.fromkeys(wanted) if _has_field(model, name))


def moment(value: Any) -> str:
    """Write a time out in full, in the reader's time zone."""
    return date_format(timezone.localtime(value), "DATETIME_FORMAT") if value else "-"


def _has_field(model: type[models.Model], name: str) -> bool:
    try:
        model._meta.get_field(name)
    except FieldDoesNotExist:
        return False
    return True
