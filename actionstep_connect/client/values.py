"""Python's values as Actionstep takes them, in rows, in addresses and in custom fields.

What cannot be sent is refused here, before anything is sent.
"""

from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from math import isfinite
from typing import Any
from uuid import UUID

from django.utils.functional import Promise

#: Of a whole number: read as a float, a longer one is infinite.
MAX_BITS = 1023

_TOO_LONG = "has more digits than a JSON number keeps: pass it as text."


def as_json(value: object, place: str) -> Any:
    """Return `value` as a row has it. Raises TypeError or ValueError, which name `place`."""
    match value:
        case None:
            return None
        case Enum():
            return as_json(value.value, place)
        case Mapping():
            return {str(name): as_json(each, f"{place}.{name}") for name, each in value.items()}
        case list() | tuple():
            return [as_json(each, place) for each in value]
        case Decimal():
            return _number(value, place)
        case int() if not isinstance(value, bool):
            as_text(value, place)  # Raises for one that is too long.
            return value
        case float() if isfinite(value):
            return value
        case _:
            return as_text(value, place)


def as_text(value: object, place: str) -> str:
    """Return `value` as an address has it. Raises as `as_json` does."""
    match value:
        case Enum():
            return as_text(value.value, place)
        case bool():
            return "T" if value else "F"
        case datetime() if value.tzinfo is None:
            raise ValueError(
                f"{place} must have a time zone: it is not known whose clock it means."
            )
        case date() | time():  # Which a datetime is too.
            return value.isoformat()
        case float() | Decimal() if not _is_finite(value):
            raise ValueError(f"{place} is {value}, which no JSON has.")
        case int() if value.bit_length() > MAX_BITS:
            raise ValueError(f"{place} {_TOO_LONG}")
        case Decimal():
            return format(value, "f")
        case str() | Promise():
            return _text(str(value), place)
        case int() | float() | UUID():
            return str(value)
    raise TypeError(f"{place} is {type(value).__name__}, which Actionstep cannot be sent.")


def _is_finite(value: float | Decimal) -> bool:
    # A signalling NaN cannot even be asked.
    return not (isinstance(value, Decimal) and value.is_snan()) and isfinite(value)


def _number(value: Decimal, place: str) -> float | int:
    as_text(value, place)  # Raises for what is no number.
    number = int(value) if value == value.to_integral_value() else float(value)
    if Decimal(str(number)) != value:
        raise ValueError(f"{place} {_TOO_LONG}")
    return number


def _text(value: str, place: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{place} holds half of a character, which no text can end in.") from None
    return value
