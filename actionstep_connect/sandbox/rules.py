"""What values from outside must look like, checked where they arrive rather than where they hurt."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from wsgiref.util import is_hop_by_hop

HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""RFC 9110, section 5.6.2."""

SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Rule:
    words: str
    holds: Callable[[object], bool]

    def check(self, name: str, value: object) -> None:
        """Raise ValueError saying what `value` must be, if it is not."""
        if not self.holds(value):
            raise ValueError(f"{name} must be {self.words}, but is {value!r:.80}.")

    def or_null(self) -> "Rule":
        return Rule(f"{self.words}, or null", lambda value: value is None or self.holds(value))


def number(least: int, most: int) -> Rule:
    # True is a number to Python, and neither infinity nor NaN lies between two others.
    return Rule(
        f"a number from {least} to {most}",
        lambda value: (
            isinstance(value, int | float)
            and not isinstance(value, bool)
            and least <= value <= most
        ),
    )


def whole(least: int, most: int | None = None) -> Rule:
    return Rule(
        f"a whole number from {least} {'on' if most is None else f'to {most}'}",
        lambda value: (
            isinstance(value, int)
            and not isinstance(value, bool)
            and least <= value
            and (most is None or value <= most)
        ),
    )


def _is_text(value: object) -> bool:
    return isinstance(value, str) and not SURROGATE.search(value)


def _is_line(value: object) -> bool:
    return isinstance(value, str) and value.isprintable()


def _are_headers(value: object) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(name, str)
        and HEADER_NAME.fullmatch(name)
        and not is_hop_by_hop(name)
        and _is_line(content)
        for name, content in value.items()
    )


TEXT = Rule("text", _is_text)
LINE = Rule("one line of printable text", _is_line)
LINES = Rule(
    "an array of lines of printable text",
    lambda value: isinstance(value, tuple) and all(map(_is_line, value)),
)
FLAG = Rule("true or false", lambda value: isinstance(value, bool))
OBJECT = Rule("an object", lambda value: isinstance(value, Mapping))
HEADERS = Rule("an object of header names, none about the connection, and lines", _are_headers)
