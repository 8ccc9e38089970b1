"""Handlers: which function hears of which events, said in code."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import FunctionType
from typing import TYPE_CHECKING, Any, TypeVar

from actionstep_connect.conf import get_config

if TYPE_CHECKING:
    from actionstep_connect.models import Connection

    Function = Callable[[Connection, "Change"], Any]

F = TypeVar("F", bound="Callable[..., Any]")

MAX_EVENT_LENGTH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of one row, as a handler gets it."""

    id: int
    """The notification's: the same each time that this change is delivered."""
    event: str
    """What Actionstep calls it: `ActionUpdated`."""
    resource: str
    """`actions`"""
    row_id: str
    orgkey: str
    row: Mapping[str, Any] | None
    """The row as it is now, read as the bearer; None if it is gone, if the bearer may not see it, or
    if this handler has no rows read again."""
    payload: Mapping[str, Any] | None
    """What the call held, which no signature proves; None unless a handler of this event has no rows
    read again. Its members are in `attributes` and `relationships`, or side by side with `links`."""
    caught_up: bool
    """Whether no call told of it: it was found after a gap."""
    received_at: datetime
    attempt: int
    """1 the first time."""


@dataclass(frozen=True, slots=True)
class Handler:
    """A function and what it wants to hear."""

    name: str
    function: "Function"
    events: frozenset[str]
    everywhere: bool
    read_again: bool | None

    @property
    def reads_row(self) -> bool:
        """Whether the row is read again for it."""
        return get_config().hooks_read_again if self.read_again is None else self.read_again


_handlers: dict[tuple[str, frozenset[str]], Handler] = {}


def on_change(
    *events: str, everywhere: bool = True, read_again: bool | None = None
) -> Callable[[F], F]:
    """Have the decorated function called with `(connection, change)` for each change of these events.

    With `everywhere=False` only in the organisations for which `subscribe` was called. `read_again`
    says whether the row is read again from Actionstep first; HOOKS_READ_AGAIN if it says nothing.

    A change is delivered at least once, so the function must bear to be called twice for one. If it
    raises, it is called again later. A coroutine function is run to its end. To hear of more events
    on other terms, decorate it again.
    """
    for event in events:
        check_event(event)
    if not events:
        raise ValueError("on_change needs the name of an event, such as 'ActionUpdated'.")

    def decorate(function: F) -> F:
        wanted = frozenset(events)
        name = _name_of(function, wanted)
        _handlers[name, wanted] = Handler(name, function, wanted, everywhere, read_again)
        return function

    return decorate


def _name_of(function: Callable[..., Any], events: frozenset[str]) -> str:
    """Return the name of a handler of these events: its own, with a number if another one has that."""
    named = function if hasattr(function, "__qualname__") else type(function)
    name = first = f"{named.__module__}.{named.__qualname__}"
    number = 1
    while (other := _handlers.get((name, events))) and not _is_same(function, other.function):
        number += 1
        name = f"{first}#{number}"
    return name


def _is_same(function: Callable[..., Any], other: Callable[..., Any]) -> bool:
    """Return whether both are one function, which a module that is loaded again defines again."""
    one, other = inspect.unwrap(function), inspect.unwrap(other)
    if one is other:
        return True
    is_of_module = inspect.isfunction(one) and "<" not in one.__qualname__
    return is_of_module and inspect.isfunction(other) and _line(one) == _line(other)


def _line(function: FunctionType) -> int:
    return function.__code__.co_firstlineno


def check_event(event: object) -> None:
    """Raise ValueError unless `event` can be the name of an event."""
    is_name = isinstance(event, str) and event.isascii() and event.isalnum()
    if not is_name or len(str(event)) > MAX_EVENT_LENGTH:
        raise ValueError(f"{event!r} is no name of an event, such as 'ActionUpdated'.")


def handlers_of(event: str, *, is_subscribed: bool) -> Iterator[Handler]:
    """Yield who hears of `event`; `is_subscribed` says whether `subscribe` asked for it."""
    for handler in list(_handlers.values()):
        if event in handler.events and (handler.everywhere or is_subscribed):
            yield handler


def events_everywhere() -> set[str]:
    """Return the events that code wants to hear of in each organisation."""
    return {
        event for handler in _handlers.values() if handler.everywhere for event in handler.events
    }


def has_handlers() -> bool:
    """Return whether code wants to hear of anything."""
    return bool(_handlers)


def keeps_payload(event: str) -> bool:
    """Return whether a handler of `event` works with what a call held."""
    return any(
        event in handler.events and not handler.reads_row for handler in list(_handlers.values())
    )
