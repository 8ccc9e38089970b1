"""The sandbox's own time: the machine's, and as far ahead of it as it has been moved."""

from datetime import datetime, timedelta

from django.utils import timezone


class Clock:
    """Tells the time; it only ever moves on, until it is put back to the machine's."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return timezone.now() + self.ahead

    def advance(self, by: timedelta) -> None:
        self.ahead += by

    def put_back(self) -> None:
        self.ahead = timedelta()


clock = Clock()
