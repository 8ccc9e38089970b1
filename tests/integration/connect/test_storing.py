"""What Actionstep granted is stored once, however the database fails meanwhile."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import OperationalError, connections
from django.db import connection as database

from actionstep_connect.models import AuthorizationRequest, Connection, ConnectionEvent
from tests.support.hostile_server import HostileServer
from tests.support.person import CONNECT, Person, attempt, callback_url

pytestmark = pytest.mark.django_db(transaction=True)

ATTEMPTS = AuthorizationRequest._meta.db_table


@contextmanager
def away_once(statement: Callable[[str], bool]) -> Generator[None]:
    """Let the database be away for the first statement of that kind."""
    met: list[str] = []

    def execute(run: Any, sql: str, *rest: Any) -> Any:
        if not met and statement(sql):
            met.append(sql)
            raise OperationalError("server closed the connection unexpectedly")
        return run(sql, *rest)

    with database.execute_wrapper(execute):
        yield
    assert met


def is_end_of_attempt(sql: str) -> bool:
    return sql.startswith("UPDATE") and ATTEMPTS in sql and "result_id" in sql


def kinds() -> list[str]:
    return list(ConnectionEvent.objects.order_by("pk").values_list("kind", flat=True))


def test_the_database_is_away_at_the_end_of_the_attempt(
    person: Person, server: HostileServer
) -> None:
    """The connection, its event and the attempt's result are stored together, at the second try."""
    url = callback_url(person.start())
    with away_once(is_end_of_attempt):
        response = person.come_back(url)
    assert (response.status_code, CONNECT in response.headers["Location"]) == (302, False)
    assert (attempt().result, kinds()) == (Connection.objects.get(), ["connected"])
    assert attempt().sealed_code_verifier == ""


@pytest.mark.parametrize("again", [False, True], ids=["first time", "reconnecting"])
def test_the_answer_to_a_commit_is_lost(
    person: Person, server: HostileServer, monkeypatch: pytest.MonkeyPatch, again: bool
) -> None:
    """What was committed is found at the second try: one change, one event."""
    if again:
        person.come_back(callback_url(person.start()))
    told, generation = kinds(), [row.generation for row in Connection.objects.all()]
    url = callback_url(person.start())
    lost: list[bool] = []
    wrapper: Any = type(connections["default"])
    commit = wrapper._commit

    def commit_and_lose(self: Any) -> None:
        commit(self)
        if not lost and AuthorizationRequest.objects.exclude(result=None).count() > again:
            lost.append(True)
            raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(wrapper, "_commit", commit_and_lose)
    response = person.come_back(url)
    monkeypatch.undo()
    assert lost
    assert CONNECT not in response.headers["Location"]
    assert kinds() == [*told, "reconnected" if again else "connected"]
    (row,) = Connection.objects.all()
    assert [row.generation] == ([generation[0] + 1] if again else [1])
