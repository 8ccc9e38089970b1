"""S36: rotating keys beside workers, again and again, losing nothing."""

import io
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.db import OperationalError, connections
from pytest_django import Settings

from actionstep_connect.crypto import get_key_ring, read_key_id
from actionstep_connect.flows import rotate as rotation
from actionstep_connect.flows.keys import count_rows_by_key, missing_keys, warn_of_missing_keys
from actionstep_connect.flows.refresh import refresh_due
from actionstep_connect.generate_key import generate_key
from actionstep_connect.models import AuthorizationRequest, Connection, Status
from actionstep_connect.models.connection import ACCESS_TOKEN, REFRESH_TOKEN
from actionstep_connect.secret import Secret
from actionstep_connect.testing import Sandbox
from tests.support.connections import expired, make_connection, make_user, sandbox_connections
from tests.support.worker_process import celery_settings, running_worker
from tests.support.workers import running_workers

pytestmark = pytest.mark.django_db

TIMEOUT = 40  # seconds for a worker to start
OLD, NEW = generate_key(), generate_key()
UseKeys = Callable[..., tuple[str, ...]]


@pytest.fixture
def use_keys(settings: Settings) -> UseKeys:
    """Return what sets ENCRYPTION_KEYS, and tells their names."""

    def use(*keys: str) -> tuple[str, ...]:
        settings.ACTIONSTEP_CONNECT = {
            **settings.ACTIONSTEP_CONNECT,
            "ENCRYPTION_KEYS": list(keys),
        }
        return get_key_ring().key_ids

    return use


def run(**options: Any) -> tuple[int, str]:
    """Run the command; return its exit code and all that it said."""
    out, code = io.StringIO(), 0
    try:
        call_command("actionstep_rotate_keys", stdout=out, stderr=out, no_color=True, **options)
    except SystemExit as end:
        code = int(str(end.code))
    return code, out.getvalue()


def make_attempt() -> AuthorizationRequest:
    now = datetime.now(UTC)
    attempt = AuthorizationRequest(
        state_hash="a" * 64,
        user=make_user(),
        environment="sandbox",
        scopes=["actions"],
        created_at=now,
        expires_at=now + timedelta(minutes=10),
    )
    attempt.sealed_code_verifier = attempt.seal_code_verifier(Secret("the-verifier"))
    attempt.save()
    return attempt


def key_ids_in_use() -> set[str]:
    rows = Connection.objects.values_list("sealed_access_token", "sealed_refresh_token")
    return {read_key_id(envelope) for row in rows for envelope in row}


def test_s36_every_row_comes_under_the_first_key(use_keys: UseKeys) -> None:
    """All three kinds of envelopes are sealed again, open to what they held, and the old key may go."""
    (old,) = use_keys(OLD)
    connection, attempt = make_connection(make_user()), make_attempt()
    new, _ = use_keys(NEW, OLD)
    code, said = run()
    assert code == 0
    assert f"key {new} (the first): 2 rows" in said
    assert f"key {old} (an older one): 0 rows" in said
    assert f"May be dropped from ENCRYPTION_KEYS: {old}," in said
    use_keys(NEW)
    connection.refresh_from_db()
    attempt.refresh_from_db()
    assert connection.open_access_token() == Secret("an-access-token")
    assert connection.open_refresh_token() == Secret("a-refresh-token")
    assert attempt.open_code_verifier() == Secret("the-verifier")
    assert connection.generation == 1


def test_s36_what_is_never_opened_again_needs_no_key(use_keys: UseKeys) -> None:
    """Neither another environment's rows nor attempts that are over keep a key, or a site, waiting."""
    use_keys(OLD)
    make_connection(make_user(), environment="staging")
    attempt = make_attempt()
    AuthorizationRequest.objects.update(used_at=datetime.now(UTC))
    use_keys(NEW)
    assert missing_keys() == {}
    assert run()[0] == 0
    AuthorizationRequest.objects.update(used_at=None)
    assert list(missing_keys().values()) == [1]
    with time_machine.travel(attempt.expires_at):
        assert missing_keys() == {}


def test_s36_it_is_repeatable(use_keys: UseKeys) -> None:
    """A second run writes nothing."""
    use_keys(OLD)
    make_connection(make_user())
    use_keys(NEW, OLD)
    run()
    before = list(Connection.objects.values())
    code, said = run()
    assert code == 0
    assert "0 rows were sealed again" in said
    assert list(Connection.objects.values()) == before


def test_s36_a_dry_run_writes_nothing(use_keys: UseKeys) -> None:
    """`--dry-run` says what would be done, leaves every row alone, and drops no key."""
    (old,) = use_keys(OLD)
    make_connection(make_user())
    use_keys(NEW, OLD)
    before = list(Connection.objects.values())
    code, said = run(dry_run=True)
    assert code == 0
    assert "1 row would be sealed again" in said
    assert f"key {old} (an older one): 1 row\n" in said
    assert "No key may be dropped yet" in said
    assert list(Connection.objects.values()) == before


def test_s36_a_dry_run_after_a_rotation_names_what_may_be_dropped(use_keys: UseKeys) -> None:
    """It counts the rows as they are, so it says so without a second rotation."""
    (old,) = use_keys(OLD)
    make_connection(make_user())
    use_keys(NEW, OLD)
    assert "1 row was sealed again" in run()[1]
    code, said = run(dry_run=True)
    assert code == 0
    assert f"May be dropped from ENCRYPTION_KEYS: {old}," in said
    assert "No key may be dropped yet" not in said


def test_s36_it_is_resumable(use_keys: UseKeys, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped between two batches, it keeps what it wrote, and the next run does the rest."""
    old, user = use_keys(OLD)[0], make_user()
    for number in range(5):
        make_connection(user, orgkey=f"org{number}")
    new, _ = use_keys(NEW, OLD)
    monkeypatch.setattr(rotation, "BATCH", 2)

    def stop(_rows: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rotation.rotate(on_batch=stop)
    assert count_rows_by_key() == {new: 2, old: 3}
    assert rotation.rotate().resealed == 3
    assert count_rows_by_key() == {new: 5}


def test_s36_an_unreadable_row_is_named_left_and_fails(use_keys: UseKeys) -> None:
    """Exit code 1 names the row and its key, never writes it, and the others are sealed nevertheless."""
    (lost,) = use_keys(generate_key())
    unreadable = make_connection(make_user())
    use_keys(OLD)
    altered = make_connection(make_user())
    swapped = {"sealed_access_token": altered.sealed_refresh_token}
    Connection.objects.filter(pk=altered.pk).update(**swapped)
    make_connection(make_user())
    new, _ = use_keys(NEW, OLD)
    before = Connection.objects.filter(pk=unreadable.pk).values().get()
    code, said = run()
    assert code == 1
    assert lost in said
    assert str(unreadable.pk) in said
    assert f"access token of connection {altered.pk}" in said
    assert "Unreadable: 3 values." in said
    assert f"key {new} (the first): 2 rows" in said
    assert Connection.objects.filter(pk=unreadable.pk).values().get() == before
    assert run()[0] == 1


def test_s36_an_altered_row_under_the_first_key_fails_too(use_keys: UseKeys) -> None:
    """What needs no rotation is opened nevertheless, because the exit code speaks of every row."""
    use_keys(NEW)
    connection = make_connection(make_user())
    swapped = {"sealed_access_token": connection.sealed_refresh_token}
    Connection.objects.filter(pk=connection.pk).update(**swapped)
    assert run()[0] == 1


def test_s36_what_a_worker_stores_meanwhile_is_never_overwritten(use_keys: UseKeys) -> None:
    """A store between the reading and the writing of a row wins, and is itself sealed again after."""
    use_keys(OLD)
    connection = make_connection(make_user())
    newer = {
        "sealed_access_token": connection.seal(ACCESS_TOKEN, Secret("newer-access")),
        "sealed_refresh_token": connection.seal(REFRESH_TOKEN, Secret("newer-refresh")),
        "generation": 2,
    }
    new, _ = use_keys(NEW, OLD)
    stored: list[int] = []

    def store_first(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if many and not stored:
            stored.append(Connection.objects.filter(pk=connection.pk).update(**newer))
        return execute(sql, params, many, context)

    with connections["default"].execute_wrapper(store_first):
        report = rotation.rotate()
    assert stored == [1]
    assert (report.resealed, report.overtaken) == (1, 0)
    connection.refresh_from_db()
    assert connection.open_refresh_token() == Secret("newer-refresh")
    assert connection.open_access_token() == Secret("newer-access")
    assert connection.generation == 2
    assert key_ids_in_use() == {new}


@pytest.mark.django_db(transaction=True)
def test_s36_beside_a_live_worker_no_token_is_lost(sandbox: Sandbox, use_keys: UseKeys) -> None:
    """While a worker refreshes them all, rotation runs again and again; every token still serves."""
    use_keys(OLD)
    sandbox_connections(sandbox, 60, **expired())
    new, _ = use_keys(NEW, OLD)
    refreshed = 0
    with running_workers(1) as (worker,):
        # A run passes over rows that rotation has just locked: the next takes them.
        while refreshed < 60:
            worker.tell("maintain")
            while not worker.has_answered():
                report = rotation.rotate()
            refreshed += worker.answer()["refreshed"]
    assert report.unreadable == 0
    rotation.rotate()
    use_keys(NEW)
    assert key_ids_in_use() == {new}
    Connection.objects.update(**{name: expired()[name] for name in ("refresh_at",)})
    assert refresh_due().refreshed == 60
    assert Connection.objects.filter(status=Status.CONNECTED, generation=3).count() == 60


def test_s36_piped_output_is_plain_lines(use_keys: UseKeys) -> None:
    """What is piped gets plain lines, with rate and time left, and no control characters."""
    use_keys(OLD)
    make_connection(make_user())
    use_keys(NEW, OLD)
    assert re.search(r"rows: 1 of 1, [\d,]+/s, 0 s left", run(dry_run=True)[1])
    assert "\x1b" not in run(dry_run=True)[1]


def test_s35_a_worker_names_a_missing_key_at_its_start(
    use_keys: UseKeys, caplog: pytest.LogCaptureFixture
) -> None:
    """What a worker runs when it is ready logs the key's name, opens nothing, and never raises."""
    (lost,) = use_keys(OLD)
    make_connection(make_user())
    warn_of_missing_keys()
    assert caplog.text == ""
    use_keys(NEW)
    warn_of_missing_keys()
    assert f"key_missing key={lost} rows=1" in caplog.text


def test_s35_a_worker_starts_though_the_database_is_away(
    use_keys: UseKeys, caplog: pytest.LogCaptureFixture
) -> None:
    """Whether a key is missing is then unknown: that is logged, and the worker goes on."""
    use_keys(NEW)

    def fail(*_: Any) -> None:
        raise OperationalError("canary")

    with connections["default"].execute_wrapper(fail):
        warn_of_missing_keys()
    (told,) = (vars(record) for record in caplog.records)
    assert (told["levelname"], told["error"]) == ("WARNING", "OperationalError")


@pytest.mark.django_db(transaction=True)
def test_s35_a_real_worker_says_it_too(use_keys: UseKeys, tmp_path: Path) -> None:
    """A Celery worker started with the wrong key names the right one in its log, at once."""
    (lost,) = use_keys(OLD)
    make_connection(make_user(), access_token="canary-token")
    use_keys(NEW)
    log = tmp_path / "worker.log"
    with running_worker(tmp_path, celery_settings(tmp_path)):
        deadline = time.monotonic() + TIMEOUT
        while f"key_missing key={lost} rows=1" not in log.read_text():
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
    assert "canary" not in log.read_text()
