"""What a check of the doctor finds."""

from dataclasses import dataclass

from actionstep_connect.models.severity import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was found about one part, in plain words, and a hint what to do."""

    part: str
    severity: Severity
    text: str
    hint: str = ""

    def as_dict(self) -> dict[str, str]:
        """Return it for machines."""
        return {
            "part": self.part,
            "severity": self.severity.label,
            "text": self.text,
            "hint": self.hint,
        }


def ok(part: str, text: str) -> Finding:
    """Return that a part is in order."""
    return Finding(part=part, severity=Severity.OK, text=text)


def warning(part: str, text: str, hint: str) -> Finding:
    """Return that an administrator should look at a part."""
    return Finding(part=part, severity=Severity.WARNING, text=text, hint=hint)


def error(part: str, text: str, hint: str) -> Finding:
    """Return that a part is broken."""
    return Finding(part=part, severity=Severity.ERROR, text=text, hint=hint)
