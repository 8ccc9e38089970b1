from typing import ClassVar, Self

from django.db import models


class Organisation(models.Model):
    """A law firm: one Actionstep system, known by its ``orgkey``."""

    id = models.BigAutoField(primary_key=True)
    key = models.CharField(max_length=50, unique=True)
    name = models.CharField(max_length=200)

    objects: ClassVar[models.Manager[Self]] = models.Manager()

    class Meta:
        app_label = "actionstep_sandbox"

    def __str__(self) -> str:
        return self.name
