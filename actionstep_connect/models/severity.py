"""How serious something is: one scale, for a connection and for the whole site."""

from enum import IntEnum


class Severity(IntEnum):
    """The more serious, the higher. Faces put it into colours, exit codes and status codes."""

    OK = 0
    """Nothing needs to be done."""
    WARNING = 1
    """Nothing is lost yet: it may pass, or a person can act in time."""
    ERROR = 2
    """Connections are lost, or will be, unless a person acts."""

    @property
    def label(self) -> str:
        """Its name in JSON, in CSS classes and on a terminal."""
        return self.name.lower()
