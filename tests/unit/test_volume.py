"""Tests at volume: as many different values as promised, the same for a seed, and a failure names its own."""

import random
from random import Random

import pytest

from tests.support.volume import VOLUME, at_volume, cases, different


def number(random: Random) -> int:
    """Return one of rather few numbers, so that some come twice."""
    return random.randrange(2 * VOLUME)


def test_so_many_different_values_are_tried() -> None:
    """Those that were given come first, and as many others as there are cases."""
    tried: list[int] = []

    @at_volume(number, first=[-1])
    def test(tried: list[int], value: int) -> None:
        tried.append(value)

    test(tried=tried)
    assert tried[0] == -1
    assert len(tried[1:]) == len(set(tried[1:])) == cases()


@pytest.fixture
def three() -> int:
    """Return a number that a test at volume asks for."""
    return 3


@at_volume(number)
def test_a_test_at_volume_has_fixtures(three: int, value: int) -> None:
    """The value is no fixture to pytest, and what stands before it is."""
    assert (three, type(value)) == (3, int)


def test_a_seed_gives_the_same_values_again() -> None:
    """pytest-randomly seeds `random` before each test."""
    before = random.getstate()
    made = list(different(number, 100))
    assert list(different(number, 100)) != made
    random.setstate(before)
    assert list(different(number, 100)) == made


def test_a_failure_says_which_value_it_was() -> None:
    """Not only where it failed."""

    @at_volume(number, first=[7])
    def fails(value: int) -> None:
        raise ValueError

    with pytest.raises(ValueError, match="value was 7"):
        fails()


def test_too_few_different_values_are_no_volume() -> None:
    """What cannot make as many as are promised does not pass for it."""
    with pytest.raises(AssertionError, match="no more than 2"):
        list(different(lambda random: random.randrange(2), 3))
