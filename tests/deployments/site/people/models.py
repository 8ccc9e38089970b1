"""User models as sites have them; `AUTH_USER_MODEL` chooses one."""

import uuid

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models


class UuidUser(AbstractUser):
    """A user known by a UUID."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    groups = user_permissions = None  # type: ignore[assignment]  # Not two models' at once.

    class Meta(AbstractUser.Meta):
        abstract = settings.AUTH_USER_MODEL != "people.UuidUser"


class StringUser(AbstractUser):
    """A user whose name is the primary key."""

    username = models.CharField(max_length=100, primary_key=True)
    groups = user_permissions = None  # type: ignore[assignment]  # Not two models' at once.

    class Meta(AbstractUser.Meta):
        abstract = settings.AUTH_USER_MODEL != "people.StringUser"


class EmailUser(AbstractUser):
    """A user known by an e-mail address, which is the primary key."""

    username = None  # type: ignore[assignment]  # AbstractUser has one.
    email = models.EmailField(max_length=190, primary_key=True)
    groups = user_permissions = None  # type: ignore[assignment]  # Not two models' at once.
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ()  # type: ignore[assignment]

    class Meta(AbstractUser.Meta):
        abstract = settings.AUTH_USER_MODEL != "people.EmailUser"
