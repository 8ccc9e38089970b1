"""Between Python's values and Actionstep's: booleans are "T" and "F"."""

from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation

from actionstep_connect.sandbox import rules
from actionstep_connect.sandbox.rest.resources import Kind

BOOLEANS = {"T": True, "F": False}
CENT = Decimal("0.01")
LARGEST = 10**18 - 1
"""More than the number of any row, and what SQLite can still compare with one."""


def shown(value: object, kind: Kind) -> object:
    match kind, value:
        case "boolean", _:
            return "T" if value else "F"
        case "decimal", Decimal():
            return float(value)
        case _, datetime():
            return value.isoformat()
        case _, date():
            return value.isoformat()
        case _:
            return value


def parsed(value: object, kind: Kind) -> object:
    """Read a value from a query or body; raise ValueError saying what was expected."""
    text = str(value)
    match kind:
        case "boolean":
            if text not in BOOLEANS:
                raise ValueError('must be "T" or "F"')
            return BOOLEANS[text]
        case "number":
            return whole_number(text)
        case "decimal":
            return _decimal(text)
        case "date":
            return _day(text)
        case "time":
            return _moment(text)
        case "text":
            if not rules.TEXT.holds(value):
                raise ValueError("must be text")
            return value


def whole_number(text: str) -> int:
    """Read digits, however many; a number beyond LARGEST is as good as that."""
    if not (text.isascii() and text.isdigit()):
        raise ValueError("must be a number")
    # Not read and compared: int() refuses thousands of digits.
    significant = text.lstrip("0") or "0"
    return int(significant) if len(significant) <= len(str(LARGEST)) else LARGEST


def _decimal(text: str) -> Decimal:
    try:
        number = Decimal(text)
        # 9999.999 would be stored as 10000.
        rounded = number.quantize(CENT)
    except InvalidOperation:
        raise ValueError("must be a number") from None
    if not rounded.is_finite() or not 0 <= rounded < 10_000:
        raise ValueError("must be a number from 0 to 9999")
    return number


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError("must be a date, YYYY-MM-DD") from None


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise ValueError("must be a time in ISO 8601") from None
