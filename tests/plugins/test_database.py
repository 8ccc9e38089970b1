"""Which tests a second database leaves out: those that ask for none."""

import pytest

from tests.plugins.database import asks_for_a_database


def test_a_test_without_a_database_is_left_out(request: pytest.FixtureRequest) -> None:
    """It has neither the mark nor a fixture that gives one."""
    assert not asks_for_a_database(request.node)


@pytest.mark.django_db
def test_the_mark_asks_for_one(request: pytest.FixtureRequest) -> None:
    """A test with the mark runs on each database."""
    assert asks_for_a_database(request.node)


@pytest.fixture
def rows(transactional_db: None) -> int:
    """Stand for a fixture that stores something."""
    return 1


def test_a_fixture_of_a_fixture_asks_for_one(request: pytest.FixtureRequest, rows: int) -> None:
    """A test that uses a database through other fixtures runs on each."""
    assert asks_for_a_database(request.node)
