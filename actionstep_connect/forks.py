"""Processes that fork: what a child must not share with its parent. Windows has no fork.

OpenSSL has locks of the whole process, which a handshake takes for moments. A child that is forked in
such a moment has a copy that is held forever, and hangs in its own first handshake.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

#: Seconds. A handshake that takes longer waits for its peer, and holds no lock meanwhile.
TIMEOUT = 1.0


def before_fork(prepare: Callable[[], None]) -> None:
    """Have `prepare` called in a process that forks, just before it does."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=prepare)


def after_fork(reset: Callable[[], None]) -> None:
    """Have `reset` called in every child that is forked."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=reset)


@contextmanager
def no_fork() -> Iterator[None]:
    """Have other threads' forks wait until this block is left, `TIMEOUT` seconds at most.

    A block waits as long for a fork that is under way.
    """
    thread = threading.get_ident()
    with _changed:
        _changed.wait_for(lambda: not _forking, TIMEOUT)
        _inside.append(thread)
    try:
        yield
    finally:
        with _changed:
            if thread in _inside:  # Not in a child that a signal's handler forked in the block.
                _inside.remove(thread)
            _changed.notify_all()


_changed = threading.Condition()
#: The threads that are in such a block, and those that fork.
_inside: list[int] = []
_forking: list[int] = []


def _wait_for_others() -> None:
    thread = threading.get_ident()
    with _changed:
        _forking.append(thread)
        _changed.wait_for(lambda: all(each == thread for each in _inside), TIMEOUT)


def _let_others_in() -> None:
    with _changed:
        _forking.remove(threading.get_ident())
        _changed.notify_all()


def _begin_anew() -> None:
    global _changed  # noqa: PLW0603 - one held at the fork would stay held in the child.
    _changed = threading.Condition()
    _inside.clear()
    _forking.clear()


# The last to be called before a fork is the first that was registered.
before_fork(_wait_for_others)
after_fork(_begin_anew)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_parent=_let_others_in)
