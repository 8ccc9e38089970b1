"""`Retry-After`, as Actionstep's endpoints may write it (RFC 9110 §10.2.3)."""

from datetime import UTC, datetime

import httpx2
import pytest
import time_machine

from actionstep_connect.oauth.answers import retry_after


@pytest.mark.parametrize(
    ("sent", "seconds"),
    [
        ("120", 120),
        (" 7 ", 7),
        ("0", 0),
        ("Tue, 24 Nov 2026 12:01:00 GMT", 60),
        ("Tue, 24 Nov 2026 12:01:00 -0000", 60),
        ("Tue, 24 Nov 2026 14:01:00 +0200", 60),
        ("Tue, 24 Nov 2026 11:59:00 GMT", 0),
        ("-5", None),
        ("²", None),
        ("soon", None),
        ("", None),
    ],
)
def test_s30_retry_after_is_seconds_or_a_date(sent: str, seconds: float | None) -> None:
    """A number and a date of any time zone mean seconds from now; a past date none; nonsense nothing."""
    response = httpx2.Response(503, headers={b"Retry-After": sent.encode()})
    with time_machine.travel(datetime(2026, 11, 24, 12, tzinfo=UTC), tick=False):
        assert retry_after(response) == seconds
