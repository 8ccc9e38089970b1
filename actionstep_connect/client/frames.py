"""Errors without the frames that they came through, whose variables a debugger or an error page shows."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from actionstep_connect.exceptions import ActionstepConnectError

P = ParamSpec("P")
T = TypeVar("T")
E = TypeVar("E", bound=Exception)


def frameless(error: E) -> E:
    """Return `error` without its traceback: the frames of other libraries hold headers in the clear."""
    return error.with_traceback(None)


def without_frames(read: Callable[P, T]) -> Callable[P, T]:
    """Leave the frames of `read` out of its errors: what Actionstep said is in their variables."""

    @wraps(read)
    def reading(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return read(*args, **kwargs)
        except ActionstepConnectError as error:
            raise frameless(error) from None

    return reading
