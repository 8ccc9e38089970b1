"""The million rows of the benchmarks, in small: no test sees the columns that a model gains later."""

import pytest

from actionstep_connect.models import Connection
from benchmarks.fleet import multiply

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]


def test_a_fleet_of_the_benchmarks_has_every_column() -> None:
    """The statement that fills the table names each column that the table requires."""
    multiply(20, due=2)
    assert Connection.objects.in_environment().count() == 20
