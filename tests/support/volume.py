"""Tests at volume: one check on thousands of different values that are made at random.

    def name(random: Random) -> str: ...

    @at_volume(name, first=["Müller"])
    def test_a_name_is_kept(name: str) -> None: ...

The last parameter is the value. The others are fixtures, made once for all values. The values come
from pytest's seed, and a failure shows the one that failed.
"""

import functools
import inspect
import os
import random
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any, TypeVar

from django.db import connection

Value = TypeVar("Value")
Maker = Callable[[Random], Value]
Test = Callable[..., None]

VOLUME = 10_000 if os.environ.get("CI") else 500
#: For each different value so many are made, at the most, that were there before.
MAX_REPEATS = 20


def cases(share: float = 1) -> int:
    """Return how many cases a test at volume has, or at a share of it where a case is dear.

    A second database sees a tenth: what differs there is what it refuses to store.
    """
    return int(VOLUME * share / (1 if connection.vendor == "sqlite" else 10))


def at_volume(
    make: Maker[Value], *, share: float = 1, first: Sequence[Value] = ()
) -> Callable[[Test], Test]:
    """Run a test on what `first` holds, and then on so many `cases` that `make` returns."""

    def decorate(test: Test) -> Test:
        signature = inspect.signature(test)
        *fixtures, last = signature.parameters.values()

        @functools.wraps(test)
        def run(**given: Any) -> None:
            for value in (*first, *different(make, cases(share))):
                try:
                    test(**given, **{last.name: value})
                except BaseException as error:
                    error.add_note(f"{last.name} was {value!r}")
                    raise

        run.__signature__ = signature.replace(parameters=fixtures)  # type: ignore[attr-defined]  # For pytest.
        return run

    return decorate


def different(make: Maker[Value], number: int) -> Iterator[Value]:
    """Yield so many values, no two of which are written alike."""
    source = Random(random.getrandbits(64))  # pytest-randomly seeds the one it is taken from.
    seen: set[int] = set()
    for _ in range(number * (1 + MAX_REPEATS)):
        if len(seen) == number:
            return
        value = make(source)
        if (written := hash(repr(value))) not in seen:
            seen.add(written)
            yield value
    assert len(seen) == number, f"{make} makes no more than {len(seen)} different values"


def one_of(*makers: Maker[Value]) -> Maker[Value]:
    """Return what makes a value as one of these makers does."""
    return lambda random: random.choice(makers)(random)


def among(*values: Value) -> Maker[Value]:
    """Return what makes one of these values."""
    return lambda random: random.choice(values)
