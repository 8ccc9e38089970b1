"""The order in which workers are given tests: long ones first, and every test once."""

import pytest

from tests.plugins.longest_first import longest_first


@pytest.mark.parametrize("workers", [1, 2, 3, 4])
def test_each_workers_part_begins_with_its_share(workers: int) -> None:
    """A part is as long as xdist makes it, and what is not long keeps its order."""
    items = list(range(20))
    long = [item % 7 == 3 for item in items]
    ordered = longest_first(items, long, workers)
    assert sorted(ordered) == items
    short = [item for item in ordered if not long[item]]
    assert short == sorted(short)
    begin = 0
    for worker in range(workers):
        size = (len(items) - begin) // (workers - worker)
        part = [long[item] for item in ordered[begin : begin + size]]
        assert part == sorted(part, reverse=True)
        assert any(part) is (worker < sum(long))
        begin += size


def test_more_long_tests_than_places_are_all_kept() -> None:
    """Even where all are long."""
    assert sorted(longest_first([1, 2, 3], [True] * 3, 2)) == [1, 2, 3]
