"""Examining a site when something is wrong: a finding for each part, with what to do about it."""

from collections.abc import Callable, Iterator

from actionstep_connect.conf import find_problems, get_config
from actionstep_connect.flows.examine import network, rows, site
from actionstep_connect.flows.examine.finding import Finding, Verdict, error, ok, warning

__all__ = ["Examine", "Finding", "Verdict", "error", "examine", "ok", "warning"]

#: Yields what it finds about one part.
Examine = Callable[[], Iterator[Finding]]

_PARTS: dict[str, Examine] = {
    "database": rows.tables,
    "keys": rows.keys,
    "endpoints": network.endpoints,
    "client credentials": network.credentials,
    "redirect URI": site.redirect_uri,
    "session cookie": site.session_cookie,
    "maintenance": rows.maintenance,
    "connections": rows.connections,
    "overdue": rows.waiting,
    "limits": rows.limits,
    "reminders": rows.reminders,
}


def examine(**extra: Examine) -> Iterator[Finding]:
    """Yield a finding for each part, and for those `extra` ones that the caller alone can see.

    A part that cannot be examined is a finding itself. With wrong settings nothing else is.
    """
    problems = find_problems()
    for problem in problems:
        yield error("settings", problem.message, problem.hint)
    if problems:
        return
    yield ok("settings", f"ACTIONSTEP_CONNECT is complete, for {get_config().environment!r}.")
    for part, look in {**_PARTS, **extra}.items():
        try:
            yield from look()
        except Exception as failure:  # noqa: BLE001 - the rest is examined all the same.
            # Its message might hold what was being examined.
            yield error(
                part,
                f"It could not be examined ({type(failure).__name__}).",
                "See whether the database answers, is migrated, and the keys can be had.",
            )
