"""When a refresh is due, and when to back off."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from actionstep_connect import policy
from actionstep_connect.conf import Config, get_config
from tests.support.documents import ROOT

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
SAMPLES = range(300)


def config(idle_after: timedelta | None = None) -> Config:
    return replace(get_config(), idle_after=idle_after)


def due_at(
    life: timedelta | None,
    *,
    unused_for: timedelta = timedelta(0),
    given: Config | None = None,
) -> datetime:
    given = given or config()
    return policy.refresh_due_at(
        now=NOW,
        access_token_expires_at=None if life is None else NOW + life,
        refresh_token_expires_at=NOW + given.refresh_token_lifetime,
        last_used_at=NOW - unused_for,
        config=given,
    )


def test_a_token_is_renewed_ten_minutes_before_it_expires() -> None:
    """An hour's token is refreshed at fifty minutes, or up to a tenth of that earlier."""
    dues = {due_at(HOUR) for _ in SAMPLES}
    assert min(dues) >= NOW + 45 * MINUTE
    assert max(dues) <= NOW + 50 * MINUTE


def test_connections_made_together_do_not_fall_due_together() -> None:
    """Jitter spreads them over minutes."""
    dues = {due_at(HOUR) for _ in SAMPLES}
    assert len(dues) > 250
    assert max(dues) - min(dues) > 3 * MINUTE


@pytest.mark.parametrize("seconds", [121, 600, 1100, 1200, 1300, 3600, 86_400])
def test_a_token_is_never_renewed_before_half_its_life(seconds: int) -> None:
    """However short its life, the first half is never cut short, and the end never missed."""
    life = timedelta(seconds=seconds)
    for _ in SAMPLES:
        assert NOW + life / 2 <= due_at(life) < NOW + life
    assert not policy.is_short_lived(life)


@pytest.mark.parametrize("seconds", [0.001, 1, 2, 20, 60, 119, 120])
def test_however_short_its_life_a_token_is_renewed_once_a_minute_at_most(seconds: float) -> None:
    """The schedule has a shortest interval; such a token is then refreshed when it is used."""
    for _ in SAMPLES:
        assert due_at(timedelta(seconds=seconds)) == NOW + MINUTE
    assert policy.is_short_lived(timedelta(seconds=seconds)) is (seconds < 120)


@pytest.mark.parametrize("failures", [1, 2, 3, 4, 5, 20, 10_000])
def test_s48_a_rejected_connection_waits_from_one_minute_up_to_ten(failures: int) -> None:
    """Corrected credentials serve within minutes, and a single bad row costs few requests."""
    expected = min(MINUTE * 2 ** min(failures - 1, 10), 10 * MINUTE)
    waits = [policy.rejected_retry_at(now=NOW, failures=failures) - NOW for _ in SAMPLES]
    assert expected * 0.75 <= min(waits)
    assert max(waits) <= expected * 1.25


def test_a_token_that_claims_to_live_for_ever_is_renewed_anyway() -> None:
    """No life that an answer claims puts the next refresh more than half a day away."""
    assert due_at(timedelta(days=1)) <= NOW + timedelta(hours=12)
    for _ in SAMPLES:
        assert NOW + timedelta(hours=10) < due_at(timedelta(days=3650)) <= NOW + timedelta(hours=12)


def test_without_an_access_token_it_is_tried_soon() -> None:
    """An answer whose access token was unusable is followed by another try within a minute."""
    assert due_at(None) == NOW + MINUTE


def test_an_idle_connection_whose_refresh_token_stayed_the_same_waits_for_its_next_try() -> None:
    """An answer that kept the old limit does not make the connection due again at once."""
    given = config(idle_after=timedelta(days=3))
    for days_left in (14, 8, 1, 0, -1):
        due = policy.refresh_due_at(
            now=NOW,
            access_token_expires_at=NOW + HOUR,
            refresh_token_expires_at=NOW + timedelta(days=days_left),
            last_used_at=NOW - timedelta(days=10),
            config=given,
        )
        assert due >= NOW + 10 * HOUR
        assert due <= NOW + policy.longest_delay(given)


def test_an_idle_connection_is_only_kept_alive() -> None:
    """Unused for IDLE_AFTER, a connection is renewed days later, and well before it would be flagged."""
    given = config(idle_after=timedelta(days=3))
    for _ in SAMPLES:
        due = due_at(HOUR, unused_for=timedelta(days=3), given=given)
        assert NOW + timedelta(days=9) < due <= NOW + timedelta(days=10.5)
        assert due < NOW + given.refresh_token_lifetime - given.warn_before
    assert due_at(HOUR, unused_for=timedelta(days=3) - SECOND, given=given) < NOW + HOUR


def test_nothing_is_idle_unless_the_site_says_so() -> None:
    """With IDLE_AFTER left at None every connection is kept fresh, used or not."""
    assert due_at(HOUR, unused_for=timedelta(days=400)) < NOW + HOUR


def test_no_delay_is_longer_than_the_longest() -> None:
    """A run repairs every `refresh_at` beyond the longest delay, so that none may lie there rightly."""
    for idle_after in (None, timedelta(hours=1), timedelta(days=10)):
        given = config(idle_after=idle_after)
        longest = NOW + policy.longest_delay(given)
        for unused_for in (timedelta(0), timedelta(days=30)):
            for life in (None, MINUTE, HOUR, timedelta(days=2), timedelta(days=365)):
                assert due_at(life, unused_for=unused_for, given=given) <= longest


def test_without_idle_renewal_no_delay_is_longer_than_a_token_is_kept_fresh() -> None:
    """So what a clock half a day ahead has stored is repaired by the next run."""
    assert policy.longest_delay(config()) == timedelta(hours=12)


@pytest.mark.parametrize("failures", [1, 2, 3, 5, 7, 8, 20, 10_000])
def test_s30_backoff_doubles_up_to_its_cap(failures: int) -> None:
    """The wait doubles from half a minute up to half an hour, and varies by a quarter."""
    expected = min(30 * SECOND * 2 ** min(failures - 1, 10), 30 * MINUTE)
    waits = [policy.retry_at(now=NOW, failures=failures, retry_after=None) - NOW for _ in SAMPLES]
    assert expected * 0.75 <= min(waits)
    assert max(waits) <= expected * 1.25
    assert len(set(waits)) > 250


@pytest.mark.parametrize("failures", [1, 20])
def test_s30_retry_after_is_honoured_within_reason(failures: int) -> None:
    """Never sooner than Actionstep asked, and never more than an hour because it asked."""

    def wait(retry_after: float) -> timedelta:
        return policy.retry_at(now=NOW, failures=failures, retry_after=retry_after) - NOW

    assert wait(3000) >= timedelta(seconds=3000)
    assert wait(10**9) == HOUR
    assert wait(0) >= 22.5 * SECOND
    assert wait(-5) >= 22.5 * SECOND


def test_s30_on_demand_the_wait_is_a_minute_at_most() -> None:
    """A user waits for a stored backoff no longer than a minute after the failure."""
    long, short = NOW + 30 * MINUTE, NOW + 20 * SECOND
    assert policy.on_demand_retry_at(refresh_at=long, last_failed_at=NOW) == NOW + MINUTE
    assert policy.on_demand_retry_at(refresh_at=short, last_failed_at=NOW) == short


@pytest.mark.parametrize(
    ("waited", "in_outage", "is_too_long"),
    [
        (MINUTE, False, False),
        (10 * MINUTE, False, False),
        (10 * MINUTE + SECOND, False, True),
        (11 * MINUTE, True, False),
        (4 * HOUR, True, False),
        (4 * HOUR + SECOND, True, True),
    ],
)
def test_what_is_due_waits_ten_minutes_unseen_or_four_hours_in_an_outage(
    waited: timedelta, *, in_outage: bool, is_too_long: bool
) -> None:
    """People find out why something is not refreshed when the page about monitoring says so."""
    assert policy.is_waiting_too_long(waited=waited, in_outage=in_outage) is is_too_long


@pytest.mark.parametrize(
    ("figure", "said", "page", "sentence"),
    [
        ("CLOCK_TOLERANCE", MINUTE, "doctor.md", "more than a minute is too much"),
        ("OVERDUE_AFTER", 10 * MINUTE, "monitoring.md", "been due for more than ten minutes"),
        ("MAX_OUTAGE", 4 * HOUR, "monitoring.md", "for more than four hours"),
        ("FAILING_AFTER", 3, "logging.md", "three refreshes in a row failed"),
        ("DOCUMENTED_LIFETIME", HOUR, "tutorial.md", "An access token lives an hour"),
    ],
)
def test_the_pages_and_the_code_agree_on_figures(
    figure: str, said: object, page: str, sentence: str
) -> None:
    """A figure that readers plan with changes in the code and on its page together."""
    assert getattr(policy, figure) == said
    assert sentence in (ROOT / "docs" / page).read_text()


@pytest.mark.parametrize(
    ("left", "min_validity", "is_fresh"),
    [
        (HOUR, MINUTE, True),
        (61 * SECOND, MINUTE, True),
        (60 * SECOND, MINUTE, False),
        (SECOND, timedelta(0), True),
        (timedelta(0), timedelta(0), False),
        (-SECOND, timedelta(0), False),
        (31 * MINUTE, 10 * HOUR, True),
        (30 * MINUTE, 10 * HOUR, False),
    ],
)
def test_a_token_is_fresh_for_as_long_as_it_must_last(
    left: timedelta, min_validity: timedelta, *, is_fresh: bool
) -> None:
    """Fresh is what outlives `min_validity`, of which at most half a token's life counts."""
    issued_at = NOW - (HOUR - left)
    assert (
        policy.is_fresh(
            now=NOW, issued_at=issued_at, expires_at=NOW + left, min_validity=min_validity
        )
        is is_fresh
    )


def test_min_validity_cannot_ask_for_more_than_a_new_token_gives() -> None:
    """A token that was just issued is fresh whatever is asked, so that nothing refreshes forever."""
    for life in (SECOND, 20 * SECOND, HOUR):
        assert policy.is_fresh(
            now=NOW, issued_at=NOW, expires_at=NOW + life, min_validity=timedelta(days=1)
        )
