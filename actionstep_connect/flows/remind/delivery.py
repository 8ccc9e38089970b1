"""Delivery: handing an e-mail to the mail server, and never waiting long for that.

A mail server may hang whatever its time-out, which counts from byte to byte. So one daemon thread in
a process speaks to it: what takes longer than TIMEOUT is left to that thread, and the next caller
gets no other one until it is done.
"""

import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future, wait
from contextlib import contextmanager, suppress
from smtplib import SMTPRecipientsRefused, SMTPResponseException
from typing import TypeVar

from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend
from django.db import connections

from actionstep_connect.forks import after_fork

TIMEOUT = 10.0  # seconds for each word with the mail server

#: RFC 5321 §3.8: the server closes the connection, whatever it had been asked.
CLOSING = 421

T = TypeVar("T")

_line = threading.Lock()


def _after_fork() -> None:
    global _line  # noqa: PLW0603 - one held at the fork would stay held in the child.
    _line = threading.Lock()


after_fork(_after_fork)


class DeliveryError(Exception):
    """The mail server did not take an e-mail, or did not say that it did.

    `is_temporary`: it refused it for now, so the e-mail may be sent again. `is_server_usable`: it may be
    given other e-mails now. The message is the name of what went wrong, without addresses.
    """

    def __init__(self, error: Exception, *, is_temporary: bool, is_server_usable: bool) -> None:
        super().__init__(type(error).__name__)
        self.is_temporary = is_temporary
        self.is_server_usable = is_server_usable


class Hangs(Exception):  # noqa: N818 - what it does, which a log then says.
    """The mail server has not said a word for TIMEOUT, or since an earlier e-mail."""


Send = Callable[[mail.EmailMessage], None]


@contextmanager
def mail_server() -> Generator[Send]:
    """Open the site's mail backend, and yield what hands an e-mail to it. Raises DeliveryError."""
    backend = _open()

    def send(message: mail.EmailMessage) -> None:
        try:
            _within_patience(lambda: backend.send_messages([message]))
        except Exception as error:
            raise _failure(error) from error

    try:
        yield send
    except DeliveryError as error:
        if not isinstance(error.__cause__, Hangs):
            _close(backend)
        raise
    else:
        _close(backend)


def _open() -> BaseEmailBackend:
    try:
        backend = _new_backend()
        try:
            _within_patience(backend.open)
        except OSError:  # smtplib's errors are of that kind.
            _close(backend)
            raise
    except Exception as error:
        raise DeliveryError(error, is_temporary=True, is_server_usable=False) from error
    return backend


def _close(backend: BaseEmailBackend) -> None:
    with suppress(Exception):  # What was taken is taken: this is but politeness.
        _within_patience(backend.close)


def _new_backend() -> BaseEmailBackend:
    # From Django 6.1 on a site names its mailers; before, it has one backend.
    mailers = getattr(mail, "mailers", None)
    return mail.get_connection() if mailers is None else mailers.default


def _failure(error: Exception) -> DeliveryError:
    codes = _reply_codes(error)
    return DeliveryError(
        error,
        # RFC 5321 §4.2.1: 4yz means that the e-mail was not taken, and may be later.
        is_temporary=bool(codes) and all(400 <= code < 500 for code in codes),
        is_server_usable=bool(codes) and CLOSING not in codes,
    )


def _reply_codes(error: Exception) -> list[int]:
    match error:
        case SMTPRecipientsRefused():
            return [code for code, _ in error.recipients.values()]
        case SMTPResponseException():
            return [error.smtp_code]
        case _:
            return []


def _within_patience(work: Callable[[], T]) -> T:
    if not _line.acquire(timeout=TIMEOUT):
        raise Hangs
    result: Future[T] = Future()

    def job() -> None:
        try:
            result.set_result(work())
        except Exception as error:  # noqa: BLE001 - handed to the waiting caller.
            result.set_exception(error)
        finally:
            connections.close_all()  # Some backends keep their e-mails in the database.
            _line.release()

    try:
        threading.Thread(target=job, name="actionstep-mail", daemon=True).start()
    except RuntimeError:  # No thread can be started.
        _line.release()
        raise
    if not wait([result], TIMEOUT).done:
        raise Hangs
    return result.result()
