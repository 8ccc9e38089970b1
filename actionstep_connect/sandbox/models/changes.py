from typing import ClassVar, Self

from django.db import models


class ChangedRow(models.Model):
    """A row that is no longer as it was at the start; `row` is its JSON, null when it is gone."""

    id = models.BigAutoField(primary_key=True)
    orgkey = models.CharField(max_length=50)
    resource = models.CharField(max_length=100)
    key = models.CharField(max_length=500)
    row = models.TextField()

    objects: ClassVar[models.Manager[Self]] = models.Manager()

    class Meta:
        app_label = "actionstep_sandbox"
        unique_together = (("orgkey", "resource", "key"),)

    def __str__(self) -> str:
        return f"{self.resource} {self.key} of {self.orgkey}"
