"""What `manage.py actionstep_doctor` checks: a finding for each part, with a hint where it is bad."""

from collections.abc import Callable, Iterator
from functools import partial

from actionstep_connect.conf import find_problems, get_config
from actionstep_connect.extensions import Extension, extensions, part_of
from actionstep_connect.flows.doctor import network, rows, site
from actionstep_connect.flows.doctor.finding import Finding, error, ok, warning
from actionstep_connect.models.severity import Severity

__all__ = ["Check", "Finding", "error", "ok", "run_checks", "warning"]

#: Yields what it finds about one part.
Check = Callable[[], Iterator[Finding]]

#: Those that need the database: they are skipped while it is down or has no tables.
_STORED = frozenset({"keys", "maintenance", "connections", "overdue", "limits", "reminders"})
_PARTS: dict[str, Check] = {
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


def run_checks(**extra: Check) -> Iterator[Finding]:
    """Yield a finding for each part, and for the `extra` ones that only the caller can check.

    A check that fails is a finding itself. With wrong settings nothing else is checked, and without
    the database nothing that is stored there.
    """
    problems = find_problems()
    for problem in problems:
        yield error("settings", problem.message, problem.hint)
    if problems:
        return
    yield ok("settings", f"ACTIONSTEP_CONNECT is complete, for {get_config().environment!r}.")
    has_database = True
    of_others: dict[str, Check] = {each.name: partial(_check_of, each) for each in extensions()}
    for part, check in {**_PARTS, **of_others, **extra}.items():
        if part in _STORED | of_others.keys() and not has_database:
            continue
        for finding in _run(part, check):
            has_database &= (finding.part, finding.severity) != ("database", Severity.ERROR)
            yield finding


def _check_of(extension: Extension) -> Iterator[Finding]:
    yield from part_of(extension, "check")()


def _run(part: str, check: Check) -> Iterator[Finding]:
    try:
        yield from check()
    except Exception as failure:  # noqa: BLE001 - the other parts are checked nevertheless.
        # Its message might hold what was being checked.
        yield error(
            part,
            f"This check failed ({type(failure).__name__}).",
            "Check that the database answers and is migrated, and that the keys can be read.",
        )
