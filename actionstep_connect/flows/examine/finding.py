"""What an examination finds."""

from dataclasses import asdict, dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How serious a finding is."""

    OK = "ok"
    WARNING = "warning"
    """Nothing is lost yet."""
    ERROR = "error"
    """Connections cannot be made, used or kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was found about one part, in plain words, and what to do."""

    part: str
    verdict: Verdict
    text: str
    what_to_do: str = ""

    def as_dict(self) -> dict[str, str]:
        """Return it for machines."""
        return asdict(self)


def ok(part: str, text: str) -> Finding:
    """Say that a part is in order."""
    return Finding(part=part, verdict=Verdict.OK, text=text)


def warning(part: str, text: str, what_to_do: str) -> Finding:
    """Say that somebody should look at a part."""
    return Finding(part=part, verdict=Verdict.WARNING, text=text, what_to_do=what_to_do)


def error(part: str, text: str, what_to_do: str) -> Finding:
    """Say that a part is broken."""
    return Finding(part=part, verdict=Verdict.ERROR, text=text, what_to_do=what_to_do)
