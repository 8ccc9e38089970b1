"""Who may sign in, to which organisation, and what they may see there."""

from typing import ClassVar, Self

from django.db import models

from actionstep_connect.sandbox.models.organisation import Organisation


class Access(models.TextChoices):
    """How much of a resource an end-user's own permissions show them."""

    ALL = "all"
    OWN = "own"
    NONE = "none"


class Person(models.Model):
    id = models.BigAutoField(primary_key=True)
    username = models.CharField(max_length=50, unique=True)
    name = models.CharField(max_length=100)
    email = models.CharField(max_length=200, unique=True)
    description = models.CharField(max_length=200)

    objects: ClassVar[models.Manager[Self]] = models.Manager()

    class Meta:
        app_label = "actionstep_sandbox"

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A person in one organisation: the resource owner behind every grant.

    `number` is the id of their user, `participant` that of their contact.
    """

    id = models.BigAutoField(primary_key=True)
    person: models.ForeignKey[Person, Person] = models.ForeignKey(
        Person, models.CASCADE, related_name="memberships"
    )
    organisation: models.ForeignKey[Organisation, Organisation] = models.ForeignKey(
        Organisation, models.CASCADE, related_name="memberships"
    )
    number = models.PositiveIntegerField()
    participant = models.PositiveIntegerField()
    time_records = models.CharField(max_length=5, choices=Access.choices, default=Access.ALL)
    sees_restricted = models.BooleanField(default=True)
    is_read_only = models.BooleanField(default=False)

    organisation_id: int
    objects: ClassVar[models.Manager[Self]] = models.Manager()

    class Meta:
        app_label = "actionstep_sandbox"
        unique_together = (("organisation", "number"), ("person", "organisation"))

    def __str__(self) -> str:
        return f"{self.person} at {self.organisation}"
