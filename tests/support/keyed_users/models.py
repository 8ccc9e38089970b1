"""User models whose primary key is text, a UUID, an e-mail address or a number."""

import uuid

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models


class KeyedUser(AbstractBaseUser):
    """What they have in common: all of them may do everything."""

    name = models.CharField(max_length=50, unique=True)
    is_staff = models.BooleanField(default=True)
    is_active = models.BooleanField(default=True)

    objects = BaseUserManager()

    USERNAME_FIELD = "name"

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name

    def has_perm(self, _permission: str, _obj: object = None) -> bool:
        return True

    def has_module_perms(self, _app: str) -> bool:
        return True


class UuidUser(KeyedUser):
    """Known by a UUID."""

    uid = models.UUIDField(primary_key=True, default=uuid.uuid4)


class TextUser(KeyedUser):
    """Known by what a firm calls its people."""

    code = models.CharField(max_length=50, primary_key=True)


class EmailUser(KeyedUser):
    """Known by an e-mail address."""

    email = models.EmailField(primary_key=True)


class NumberedUser(KeyedUser):
    """Known by a number of the firm's."""

    number = models.PositiveIntegerField(primary_key=True)


class BareUser(AbstractBaseUser):
    """All that Django asks of a user model: no e-mail address, no names, and no `is_active`."""

    login = models.CharField(max_length=50, unique=True)

    objects = BaseUserManager()

    USERNAME_FIELD = "login"

    is_staff = True

    def has_perm(self, _permission: str, _obj: object = None) -> bool:
        return True

    def has_module_perms(self, _app: str) -> bool:
        return True


class Login(models.Model):
    """What a `LinkedUser` is called by."""

    address = models.CharField(max_length=50, unique=True)

    def __str__(self) -> str:
        return self.address


class LinkedUser(KeyedUser):
    """Called by a row of another table, as Django allows."""

    name = models.OneToOneField(Login, models.CASCADE)

    def __str__(self) -> str:
        return str(self.name)


class PlainUser(models.Model):
    """A user model that has nothing from Django's."""

    login = models.CharField(max_length=50, unique=True)

    objects = models.Manager()

    USERNAME_FIELD = "login"
    REQUIRED_FIELDS = ()
    is_authenticated = is_active = is_staff = True
    is_anonymous = False

    def __str__(self) -> str:
        return self.login

    def get_username(self) -> str:
        return self.login

    def has_perm(self, _permission: str, _obj: object = None) -> bool:
        return True

    def has_module_perms(self, _app: str) -> bool:
        return True
