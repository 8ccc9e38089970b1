"""The pace of a run: how many requests may be in flight, and what stops it."""

from uuid import UUID

import pytest

from actionstep_connect.flows.refresh.pacing import (
    FIRST_WINDOW,
    MAX_ENDINGS,
    MAX_FAILURES,
    MAX_REJECTIONS,
    Pace,
)
from actionstep_connect.models import StoppedBy

IDS = [UUID(int=number) for number in range(100)]


def stopped_by(pace: Pace) -> StoppedBy | None:
    return pace.stop.reason if pace.stop else None


def test_the_window_doubles_with_each_round_trip_up_to_its_limit() -> None:
    """As many good answers as there are requests in flight double the requests in flight."""
    pace, windows = Pace(limit=20), []
    for _ in range(4):
        windows.append(pace.window)
        for _ in range(pace.window):
            pace.widen()
            pace.succeeded()
    assert windows == [4, 8, 16, 20]


def test_the_window_begins_no_wider_than_the_limit() -> None:
    """REFRESH_CONCURRENCY of one sends one request at a time from the beginning."""
    assert Pace(limit=1).window == 1
    assert Pace(limit=64).window == FIRST_WINDOW


def test_failures_on_the_way_halve_the_window_and_twelve_in_a_row_stop_the_run() -> None:
    """Twelve different connections that fail without a success between are an outage."""
    pace = Pace(limit=64)
    windows = []
    for number in range(MAX_FAILURES):
        assert pace.stop is None
        pace.failed(IDS[number], "Actionstep did not answer.")
        windows.append(pace.window)
    assert windows[:3] == [2, 1, 1]
    assert pace.stop == (StoppedBy.OUTAGE, "Actionstep did not answer.")


def test_a_success_between_failures_starts_the_count_anew() -> None:
    """Eleven failures, a success and eleven failures stop nothing."""
    pace = Pace(limit=64)
    for round_ in range(2):
        for number in range(MAX_FAILURES - 1):
            pace.failed(IDS[50 * round_ + number], "Actionstep did not answer.")
        pace.succeeded()
    assert pace.stop is None
    assert pace.outage is None


@pytest.mark.parametrize("times", [MAX_FAILURES, MAX_ENDINGS + 5])
def test_s48_one_connection_alone_stops_nothing(times: int) -> None:
    """However often the same row fails, is refused or is rejected, it counts once."""
    pace = Pace(limit=64)
    for _ in range(times):
        pace.failed(IDS[0], "Actionstep answered 500.")
        pace.ended(IDS[0])
        pace.rejected(IDS[0])
    assert pace.stop is None


def test_s48_only_several_different_rejections_speak_for_the_site() -> None:
    """Two rejections stop nothing; the third of a different connection does."""
    pace = Pace(limit=64)
    for number in range(MAX_REJECTIONS - 1):
        pace.rejected(IDS[number])
    assert (pace.stop, pace.rejection()) == (None, None)
    pace.rejected(IDS[MAX_REJECTIONS])
    assert stopped_by(pace) is StoppedBy.CLIENT_REJECTED


@pytest.mark.parametrize("accepts", [Pace.succeeded, lambda pace: pace.ended(IDS[9])])
def test_s48_an_accepted_client_clears_the_rejections(accepts: object) -> None:
    """New tokens prove the credentials, and so does `invalid_grant`; earlier runs' count goes too."""
    assert callable(accepts)
    pace = Pace(limit=64, rejected_before=IDS[:2])
    accepts(pace)
    pace.rejected(IDS[2])
    assert pace.rejected_in_a_row == {IDS[2]}
    assert (pace.stop, pace.rejection()) == (None, None)


def test_s48_rejections_of_several_runs_speak_for_the_site_but_stop_no_run() -> None:
    """Where few are due in a minute the count goes on from run to run, and the others are tried."""
    pace = Pace(limit=64, rejected_before=IDS[:2])
    pace.rejected(IDS[2])
    assert pace.stop is None
    assert pace.rejection() is not None


def test_s48_of_a_small_fleet_all_have_to_say_so() -> None:
    """A site with two connections learns of its wrong secret from both of them."""
    pace = Pace(limit=64)
    pace.rejected(IDS[0])
    assert pace.rejection(fleet=2) is None
    pace.rejected(IDS[1])
    assert pace.rejection(fleet=2) is not None
    assert pace.rejection(fleet=3) is None
    assert Pace(limit=64).rejection(fleet=0) is None


def test_s29_twenty_endings_in_a_row_stop_the_run_and_later_runs_send_single_probes() -> None:
    """What is in flight never carries the endings past their maximum."""
    pace = Pace(limit=64)
    for number in range(MAX_ENDINGS):
        assert pace.window <= MAX_ENDINGS - number
        pace.ended(IDS[number])
    assert stopped_by(pace) is StoppedBy.REFUSALS
    later = Pace(limit=64, endings_before=pace.endings_in_a_row)
    assert later.window == 1
    later.ended(IDS[50])
    assert stopped_by(later) is StoppedBy.REFUSALS


def test_s29_a_success_ends_the_single_probes() -> None:
    """One good answer after a refused fleet, and the run goes at its own pace again."""
    pace = Pace(limit=64, endings_before=MAX_ENDINGS)
    pace.succeeded()
    assert (pace.window, pace.endings_in_a_row) == (FIRST_WINDOW, 0)


def test_the_first_reason_to_stop_is_the_one_that_is_told() -> None:
    """What arrives while a run stops does not change why it stopped."""
    pace = Pace(limit=64)
    for number in range(MAX_REJECTIONS):
        pace.rejected(IDS[number])
    for number in range(MAX_FAILURES):
        pace.failed(IDS[number], "Actionstep did not answer.")
    assert stopped_by(pace) is StoppedBy.CLIENT_REJECTED
