"""Between the text of a query, the JSON of a body, and what is kept: rows are kept as shown."""

import math
import re
from datetime import UTC, date, datetime, time, tzinfo
from functools import lru_cache
from typing import Any

from actionstep_connect.sandbox import rules
from actionstep_connect.sandbox.facts.resource import Kind, Member

MAX_INTEGER = 2**53
"""The largest that every JSON parser reads exactly."""

INTEGER = re.compile(r"[+-]?[0-9]+")
TIME = re.compile(r"[0-9]{2}:[0-9]{2}(:[0-9]{2})?")
BOOLEANS = ("T", "F")
BARE_DATE_LENGTH = len("2026-11-02")

Comparable = Any
"""A number, a text or a moment: comparable with others of its kind."""


def whole_number(text: str) -> int:
    """Read digits, however many; a number beyond MAX_INTEGER is as good as the next one."""
    if not INTEGER.fullmatch(text):
        raise ValueError("must be a number")
    # Not read and compared: int() refuses thousands of digits.
    digits = text.lstrip("+-").lstrip("0") or "0"
    number = int(digits) if len(digits) <= len(str(MAX_INTEGER)) else MAX_INTEGER + 1
    number = min(number, MAX_INTEGER + 1)
    return -number if text.startswith("-") else number


def comparable(kind: Kind, value: Any, zone: tzinfo) -> Comparable | None:
    """Return a kept value as what a filter and an order compare; None if there is no value."""
    if value is None or kind != Kind.TIMESTAMP:
        return value
    return _moment(value, zone)


def from_query(kind: Kind, text: str) -> Comparable:
    """Read what a filter compares with; a moment without an offset is taken as UTC."""
    match kind:
        case Kind.INTEGER:
            return whole_number(text)
        case Kind.NUMBER:
            return _number(text)
        case Kind.BOOLEAN:
            return _boolean(text)
        case Kind.TIMESTAMP:
            return _moment(text, UTC)
        case Kind.DATE:
            return _day(text)
        case _:
            return text


def from_body(member: Member, value: Any, zone: tzinfo) -> Any:
    """Return what is kept of a value in a body; raise ValueError saying what was expected."""
    match member.kind:
        case Kind.INTEGER:
            return _whole(value)
        case Kind.NUMBER:
            return _number(value)
        case Kind.BOOLEAN:
            return _boolean(value)
    text = _text(value)
    match member.kind:
        case Kind.TIMESTAMP:
            return _timestamp(text, zone)
        case Kind.DATE:
            return _day(text)
        case Kind.TIME:
            return _time_of_day(text)
    if member.choices and text not in member.choices:
        raise ValueError(f"must be one of {', '.join(member.choices)}")
    return text


def timestamp(moment: datetime, zone: tzinfo) -> str:
    """Show a moment as the organisation's clock does, with its offset."""
    return moment.astimezone(zone).isoformat(timespec="seconds")


def _whole(value: Any) -> int:
    match value:
        case bool():
            number = None
        case str():
            number = whole_number(value)
        case int():
            number = value
        case float() if value.is_integer():
            number = int(value)
        case _:
            number = None
    if number is None or abs(number) > MAX_INTEGER:
        raise ValueError("must be a number")
    return number


def _number(value: Any) -> float | int:
    try:
        number = None if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = None
    if number is None or not math.isfinite(number) or abs(number) > MAX_INTEGER:
        raise ValueError("must be a number")
    return value if isinstance(value, int) else number


def _boolean(value: Any) -> str:
    if value not in BOOLEANS:
        raise ValueError('must be "T" or "F"')
    return str(value)


def _text(value: Any) -> str:
    if not rules.TEXT.holds(value):
        raise ValueError("must be text")
    return str(value)


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise ValueError("must be a date, YYYY-MM-DD") from None


def _time_of_day(text: str) -> str:
    try:
        if TIME.fullmatch(text):
            return time.fromisoformat(text).isoformat()
    except ValueError:
        pass
    raise ValueError("must be a time of day, HH:MM:SS")


def _timestamp(text: str, zone: tzinfo) -> str:
    """Keep a moment with the organisation's offset; without one it is the organisation's time."""
    try:
        return timestamp(_moment(text, zone), zone)
    except OverflowError:
        raise ValueError("must be a time in ISO 8601") from None


@lru_cache(maxsize=2**16)
def _moment(text: str, zone: tzinfo) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=zone)
    except (ValueError, OverflowError):
        raise ValueError("must be a time in ISO 8601") from None
