"""Run the chosen tests once for each change of one module: ``pytest -p tests.plugins.mutants``.

`scripts/mutants` starts it. cosmic-ray makes the changes and reports what came of them. Everything is
imported, migrated and started once. Each change is made in a forked child, whose process group is
killed when it takes too long: no change takes the run with it. The test that noticed the last change
is the first to meet the next.
"""

import builtins
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from difflib import unified_diff
from enum import EnumType
from functools import partial
from pathlib import Path
from types import FunctionType, ModuleType

import pytest
from _pytest.runner import runtestprotocol
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator
from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import (
    MutationSpec,
    TestOutcome,
    WorkerOutcome,
    WorkItem,
    WorkResult,
)
from django.db import connections

#: Of the tests with nothing changed, in seconds; then so many times what they took.
TIMEOUT = 600.0
TIMES = 3
INTERVAL = 0.01


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what `scripts/mutants` passes on."""
    parser.addoption("--mutants", help="cosmic-ray's session, with the work still to do")
    parser.addoption("--seconds", type=float, default=3600.0, help="begin no change after these")


def pytest_runtestloop(session: pytest.Session) -> bool:
    """Run the tests for each change that none has noticed yet, until one does."""
    items, ends_at = session.items, time.monotonic() + session.config.getoption("--seconds")
    _fails(items[0])  # Sets up what lives as long as the session.
    connections.close_all()
    snapshot = _snapshot(Path(connections["default"].settings_dict["NAME"]))
    with use_db(session.config.getoption("--mutants"), WorkDB.Mode.open) as work:
        jobs, begun = [*work.pending_work_items, *_survivors(work)], time.monotonic()
        _expect_to_pass(items, jobs, TIMEOUT)
        timeout = TIMES * (time.monotonic() - begun)
        for job in jobs:
            if time.monotonic() > ends_at:
                break
            change, first, path = job.mutations[0], items[0], job.mutations[0].module_path
            try:
                source = _mutated(change)
            except AttributeError as error:  # cosmic-ray replaces exceptions by name only.
                work.set_result(job.job_id, WorkResult(WorkerOutcome.EXCEPTION, repr(error)))
                continue
            # A test leaves a server's database empty, but the last child may have been killed.
            restore = snapshot or partial(_survives, items[:1], path, path.read_text(), timeout)
            restore()
            survived = _survives(items, path, source, timeout)
            if items[0] is not first:
                restore()
                _expect_to_pass(items[:1], jobs, timeout)
            outcome = TestOutcome.SURVIVED if survived else TestOutcome.KILLED
            result = WorkResult(WorkerOutcome.NORMAL, "", outcome, _diff(change))
            work.set_result(job.job_id, result)
            print(outcome.value[0].upper(), end="", flush=True)
    return True


def _survivors(work: WorkDB) -> Iterator[WorkItem]:
    # There may be a test for them by now, or they are of code that another database runs.
    for job, result in work.completed_work_items:
        if result.test_outcome is TestOutcome.SURVIVED:
            yield job


def _expect_to_pass(items: list[pytest.Item], jobs: list[WorkItem], timeout: float) -> None:
    """End the run if `items` fail with the module made again as it is: else all would seem noticed."""
    path = jobs[0].mutations[0].module_path if jobs else None
    if path and not _survives(items, path, path.read_text(), timeout):
        pytest.exit(f"{items[0].nodeid} fails although nothing is changed", returncode=1)


def _survives(items: list[pytest.Item], path: Path, source: str, timeout: float) -> bool:
    """Return whether every test passes with `source` at `path`; move the one that does not to the front."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        noticed = 0
        with suppress(BaseException):  # What cannot even be imported is noticed too.
            _make(path, source)
            noticed = _first_failure(items)
        os.write(writing, noticed.to_bytes(4, signed=True))
        os._exit(0)
    os.close(writing)
    ends_at = time.monotonic() + timeout
    while os.waitpid(child, os.WNOHANG) == (0, 0) and time.monotonic() < ends_at:
        time.sleep(INTERVAL)
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    with suppress(ChildProcessError):
        os.waitpid(child, 0)
    with os.fdopen(reading, "rb") as answer:
        noticed = int.from_bytes(answer.read(4), signed=True)  # 0 if it was killed
    if noticed > 0:
        items.insert(0, items.pop(noticed))
    return noticed < 0


def _first_failure(items: list[pytest.Item]) -> int:
    return next((number for number, item in enumerate(items) if _fails(item)), -1)


def _fails(item: pytest.Item) -> bool:
    # What lives as long as the session stays, and no more, because any test may be the next.
    reports = runtestprotocol(item, log=False, nextitem=item.session)  # type: ignore[arg-type]  # A node serves.
    return any(report.failed for report in reports)


def _make(path: Path, source: str) -> None:
    """Put the code of the changed module into the functions that are imported already."""
    name = ".".join(path.with_suffix("").parts)
    module = sys.modules[name]
    changed = ModuleType(name)
    changed.__dict__.update(__file__=module.__file__, __package__=module.__package__)
    changed.__dict__["__builtins__"] = vars(builtins) | {"__build_class__": _keeping_enums(module)}
    exec(compile(source, str(path), "exec"), changed.__dict__)
    for key, new in vars(changed).items():
        old = vars(module).get(key)
        if key.startswith("__") or _take_up(old, new):
            continue
        for other in list(sys.modules.values()):
            if getattr(other, "__dict__", {}).get(key, changed) is old:
                setattr(other, key, new)


def _keeping_enums(module: ModuleType) -> Callable[..., type]:
    # Other modules hold members of an enum, and compare them by identity: the old one takes up the new
    # code at once, so that the rest of the module is made with the old members.
    def build_class(
        body: Callable[[], object], name: str, *bases: object, **options: object
    ) -> type:
        new: type = builtins.__build_class__(body, name, *bases, **options)
        old = vars(module).get(name)
        if not isinstance(old, EnumType):
            return new
        _take_up(old, new)
        return old

    return build_class


def _take_up(old: object, new: object) -> bool:
    """Change `old` into `new` in place, if it is code; return whether it was, or is the same already."""
    if old is new:  # Imported from elsewhere.
        return True
    if isinstance(old, FunctionType) and isinstance(new, FunctionType):
        old.__code__, old.__defaults__ = new.__code__, new.__defaults__
        old.__kwdefaults__ = new.__kwdefaults__
        return True
    if isinstance(old, property) and isinstance(new, property):
        return _take_up(old.fget, new.fget)
    if isinstance(old, type) and isinstance(new, type):
        for key, member in vars(new).items():
            if not _take_up(vars(old).get(key), member) and not key.startswith("_"):
                with suppress(AttributeError, TypeError):
                    setattr(old, key, member)
        return True
    return False


def _mutated(change: MutationSpec) -> str:
    operator = get_operator(change.operator_name)(**change.operator_args)
    return str(mutate_code(change.module_path.read_text(), operator, change.occurrence))


def _diff(change: MutationSpec) -> str:
    before = change.module_path.read_text().splitlines()
    return "\n".join(unified_diff(before, _mutated(change).splitlines(), lineterm="", n=1))


def _snapshot(database: Path) -> Callable[[], None] | None:
    """Keep the SQLite file as it is, if there is one; return what puts it back."""
    if not database.is_file():
        return None
    kept = database.with_name(f"{database.name}.kept")
    shutil.copy(database, kept)

    def restore() -> None:
        for suffix in ("-wal", "-shm"):
            database.with_name(database.name + suffix).unlink(missing_ok=True)
        shutil.copy(kept, database)

    return restore
