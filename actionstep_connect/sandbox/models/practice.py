"""What a law firm keeps in Actionstep. Numbers count per organisation, as Actionstep's ids do."""

from decimal import Decimal
from typing import ClassVar, Self

from django.db import models

from actionstep_connect.sandbox.clock import clock
from actionstep_connect.sandbox.models.organisation import Organisation


class Participant(models.Model):
    id = models.BigAutoField(primary_key=True)
    organisation = models.ForeignKey(Organisation, models.CASCADE)
    number = models.PositiveIntegerField()
    display_name = models.CharField(max_length=200)
    is_company = models.BooleanField(default=False)
    first_name = models.CharField(max_length=100, blank=True)
    last_name = models.CharField(max_length=100, blank=True)
    email = models.CharField(max_length=200, blank=True)
    phone = models.CharField(max_length=50, blank=True)

    objects: ClassVar[models.Manager[Self]] = models.Manager()

    class Meta:
        app_label = "actionstep_sandbox"
        unique_together = (("organisation", "number"),)

    def __str__(self) -> str:
        return self.display_name


class Action(models.Model):
    id = models.BigAutoField(primary_key=True)
    organisation = models.ForeignKey(Organisation, models.CASCADE)
    number = models.PositiveIntegerField()
    name = models.CharField(max_length=200)
    reference = models.CharField(max_length=50)
    status = models.CharField(max_length=20)
    opened_on = models.DateField()
    assigned_to = models.ForeignKey(Participant, models.CASCADE, related_name="+")
    client = models.ForeignKey(Participant, models.CASCADE, related_name="+")

    objects: ClassVar[models.Manager[Self]] = models.Manager()

    class Meta:
        app_label = "actionstep_sandbox"
        unique_together = (("organisation", "number"),)

    def __str__(self) -> str:
        return self.name


class TimeRecord(models.Model):
    id = models.BigAutoField(primary_key=True)
    organisation = models.ForeignKey(Organisation, models.CASCADE)
    number = models.PositiveIntegerField()
    entry_date = models.DateField()
    hours = models.DecimalField(max_digits=6, decimal_places=2)
    rate = models.DecimalField(max_digits=8, decimal_places=2, default=Decimal(240))
    description = models.TextField()
    is_billable = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=clock.now)
    action = models.ForeignKey(Action, models.CASCADE, related_name="+")
    participant = models.ForeignKey(Participant, models.CASCADE, related_name="+")

    objects: ClassVar[models.Manager[Self]] = models.Manager()

    class Meta:
        app_label = "actionstep_sandbox"
        unique_together = (("organisation", "number"),)

    def __str__(self) -> str:
        return f"{self.entry_date} {self.hours} h"


class FileNote(models.Model):
    id = models.BigAutoField(primary_key=True)
    organisation = models.ForeignKey(Organisation, models.CASCADE)
    number = models.PositiveIntegerField()
    text = models.TextField()
    entered_at = models.DateTimeField(default=clock.now)
    action = models.ForeignKey(Action, models.CASCADE, related_name="+")
    participant = models.ForeignKey(Participant, models.CASCADE, related_name="+")

    objects: ClassVar[models.Manager[Self]] = models.Manager()

    class Meta:
        app_label = "actionstep_sandbox"
        unique_together = (("organisation", "number"),)

    def __str__(self) -> str:
        return self.text[:40]
