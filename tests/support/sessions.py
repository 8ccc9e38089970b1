"""The sessions of a PostgreSQL database, ended as a restart of the server ends them."""

from asgiref.sync import SyncToAsync
from django.db import connection as database
from django.db import connections


def end_sessions(*others: int) -> None:
    """End those of this test's database, but not this thread's, nor `others`, which are process IDs.

    asgiref's one thread closes its own before that. Outside requests, Django opens no lost session
    again: the next test that is asynchronous would meet it.
    """
    SyncToAsync.single_thread_executor.submit(connections.close_all).result()
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid() AND pid <> ALL(%s)",
            [list(others)],
        )
