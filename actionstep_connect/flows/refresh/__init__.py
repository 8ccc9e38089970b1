"""Refreshing: spend each refresh token once, and never lose its successor.

Claim (commit), renew (HTTP, no transaction), store (one fenced UPDATE): `claim`, `renew`, `store`.
`run` does it for all that are due, at the pace that `pacing` allows; `on_demand` for one that is needed
now.
"""

from actionstep_connect.flows.refresh.fleet import count_due
from actionstep_connect.flows.refresh.on_demand import (
    afresh_token,
    akeep_fresh,
    arefresh_now,
    areplace_refused_token,
    fresh_token,
    keep_fresh,
    refresh_now,
    replace_refused_token,
)
from actionstep_connect.flows.refresh.opening import aopen_for_use, open_for_use
from actionstep_connect.flows.refresh.run import refresh_due

__all__ = [
    "afresh_token",
    "akeep_fresh",
    "aopen_for_use",
    "arefresh_now",
    "areplace_refused_token",
    "count_due",
    "fresh_token",
    "keep_fresh",
    "open_for_use",
    "refresh_due",
    "refresh_now",
    "replace_refused_token",
]
