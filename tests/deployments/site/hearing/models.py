"""What the site's handlers have heard."""

from typing import ClassVar

from django.db import models


class Heard(models.Model):
    """One call of a handler that was given a change."""

    #: The notification's.
    change = models.BigIntegerField()
    event = models.CharField(max_length=100)
    row_id = models.CharField(max_length=100)
    #: What the row is called: as the call said, or as it was read again.
    name = models.CharField(max_length=200)
    is_read_again = models.BooleanField()
    caught_up = models.BooleanField()

    objects: ClassVar[models.Manager["Heard"]] = models.Manager()

    def __str__(self) -> str:
        return f"{self.event} of {self.row_id}: {self.name}"
