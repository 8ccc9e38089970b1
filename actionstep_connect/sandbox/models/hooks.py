"""Whose hook it is: rows of `resthooks` do not say."""

from typing import ClassVar, Self

from django.db import models

from actionstep_connect.sandbox.models.grants import Grant


class HookOwner(models.Model):
    id = models.BigAutoField(primary_key=True)
    grant: models.ForeignKey[Grant, Grant] = models.ForeignKey(
        Grant, models.CASCADE, related_name="+"
    )
    orgkey = models.CharField(max_length=50)
    hook = models.CharField(max_length=20)

    objects: ClassVar[models.Manager[Self]] = models.Manager()

    class Meta:
        app_label = "actionstep_sandbox"
        unique_together = (("orgkey", "hook"),)

    def __str__(self) -> str:
        return f"hook {self.hook} of {self.orgkey}"
