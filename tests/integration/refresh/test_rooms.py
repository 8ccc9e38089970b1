"""How far a connection is handed on when its token is asked for: to few modules, with few returns."""

import sys
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import actionstep_connect
from actionstep_connect.api import get_access_token
from actionstep_connect.flows.refresh.claim import claim_one, new_owner
from actionstep_connect.flows.refresh.renew import renew
from actionstep_connect.flows.refresh.store import store
from actionstep_connect.models import Connection
from actionstep_connect.testing import Sandbox
from tests.support.connections import expired, sandbox_connection
from tests.support.gate import meanwhile, wait_until

pytestmark = pytest.mark.django_db(transaction=True)

PACKAGE = Path(actionstep_connect.__file__).parent
MAX_ROOMS = 8
MAX_RETURNS = 8


class Course:
    """The functions of this package that one thread calls, and those that are given `connection`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.called: dict[object, str] = {}
        self.given: dict[object, str] = {}

    def follow(self, call: Callable[[Connection], object]) -> None:
        """Call with the connection. A function counts where it is called first."""
        sys.setprofile(self._note)
        try:
            call(self._connection)
        finally:
            sys.setprofile(None)

    @property
    def rooms(self) -> list[str]:
        """The modules that the connection was in, one after the other."""
        return [room for room, _ in groupby(self.given.values())]

    def _note(self, frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        file = Path(code.co_filename)
        if event != "call" or PACKAGE not in file.parents:
            return
        self.called.setdefault(code, code.co_name)
        if any(value is self._connection for value in frame.f_locals.values()):
            self.given.setdefault(code, file.relative_to(PACKAGE).as_posix())


def check(rooms: list[str]) -> None:
    """Hold the limits. The first stay is the public function's."""
    assert rooms[0] == "api.py"
    assert len(set(rooms)) <= MAX_ROOMS, rooms
    assert len(rooms) - len(set(rooms)) <= MAX_RETURNS, rooms


def test_a_good_token_is_found_in_few_rooms(sandbox: Sandbox) -> None:
    """While the present token lives, its connection passes at most 8 modules, and returns at most 8 times."""
    course = Course(sandbox_connection(sandbox))
    course.follow(get_access_token)
    assert "_reach" not in course.called.values()
    check(course.rooms)


def test_waiting_for_another_callers_answer_leads_through_no_more(sandbox: Sandbox) -> None:
    """It is so as well where another caller refreshes the connection, whose answer is taken over."""
    connection = sandbox_connection(sandbox, **expired())
    claim = claim_one(connection, statuses=["connected"], owner=new_owner())
    assert claim is not None
    course = Course(Connection.objects.select_related("user").get(pk=connection.pk))
    with meanwhile(lambda: course.follow(get_access_token)) as result:
        wait_until(lambda: "_wait_for_holder" in list(course.called.values()))
        store(claim, renew(claim))
    assert result.get() is None
    assert "_bring_up_to_date" in course.called.values()
    assert "_refresh" not in course.called.values()
    check(course.rooms)
