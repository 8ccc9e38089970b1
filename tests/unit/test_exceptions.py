"""The errors of this package cross process boundaries whole."""

import ast
import copy
import multiprocessing
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from actionstep_connect import exceptions
from actionstep_connect.error_codes import ErrorCode
from actionstep_connect.exceptions import (
    ActionstepConnectError,
    AmbiguousConnection,
    ApiError,
    FileRefused,
    PartialFailure,
    RateLimited,
    ScopeNotGranted,
    TemporarilyUnavailable,
    TransferInterrupted,
)

#: What a class carries besides its message; those that are not named carry a code.
CARRIED: dict[type[ActionstepConnectError], dict[str, Any]] = {
    AmbiguousConnection: {"orgkeys": ("acmelaw", "bright")},
    ScopeNotGranted: {"scopes": ("filenotes",)},
    TemporarilyUnavailable: {"code": "timeout", "retry_after": 7.5, "outcome_known": False},
    RateLimited: {"retry_after": 3.0},
    PartialFailure: {
        "done": {0: 7, 2: "7--8"},
        "failed": {1: "No."},
        "unknown": (3,),
        "left": (4, 5),
    },
    FileRefused: {"detail": "Its signature does not match."},
    TransferInterrupted: {
        "part": 2,
        "part_count": 3,
        "resume": "1/3;10001000;9a0;f00",
        "retry_after": 7.0,
    },
    ApiError: {"status": 422, "code": "AS-1302", "detail": "Invalid JSON", "retry_after": 2.0},
}


def every_class(
    of: type[ActionstepConnectError] = ActionstepConnectError,
) -> Iterator[type[ActionstepConnectError]]:
    """Yield the tree of errors, from its root on."""
    yield of
    for each in of.__subclasses__():
        if each.__module__ == exceptions.__name__:
            yield from every_class(each)


CLASSES = list(every_class())


def an_error(of: type[ActionstepConnectError]) -> ActionstepConnectError:
    """Return an error with a value for all that its class carries."""
    error = of("What happened.", **CARRIED.get(of, {"code": "some_code"}))
    error.add_note("Seen in a task.")
    return error


def is_same(one: BaseException, other: ActionstepConnectError) -> bool:
    """Return whether both say and carry the same."""
    return (type(one), str(one), repr(one), vars(one)) == (
        type(other),
        str(other),
        repr(other),
        vars(other),
    )


def as_refused(status: int) -> None:
    """Raise in another process what a call to the API raises."""
    raise ApiError("It was refused.", status=status, code="AS-1302")


class SiteError(ApiError):
    """A site's own error, whose constructor takes something else."""

    def __init__(self, matter: int) -> None:
        super().__init__(f"Matter {matter} was refused.", status=409)
        self.matter = matter


@pytest.mark.parametrize("of", CLASSES, ids=lambda of: of.__name__)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_error_survives_pickle(of: type[ActionstepConnectError], protocol: int) -> None:
    """An error that crosses a process boundary keeps its class, its message and all it carries."""
    error = an_error(of)
    assert is_same(pickle.loads(pickle.dumps(error, protocol)), error)


@pytest.mark.parametrize("of", CLASSES, ids=lambda of: of.__name__)
def test_every_error_survives_copy(of: type[ActionstepConnectError]) -> None:
    """A copy of an error, shallow or deep, is the same error."""
    error = an_error(of)
    assert is_same(copy.copy(error), error)
    assert is_same(copy.deepcopy(error), error)


@pytest.mark.parametrize("of", CLASSES, ids=lambda of: of.__name__)
def test_every_error_survives_a_celery_result(of: type[ActionstepConnectError]) -> None:
    """A result backend that keeps JSON, Celery's default, gives back the class and all it carries."""
    backend = Celery("site", backend="cache+memory://").backend
    error = of("What happened.", **CARRIED.get(of, {"code": "some_code"}))
    stored = backend.encode(backend.prepare_exception(error))
    assert is_same(backend.exception_to_python(backend.decode(stored)), error)


def test_an_error_of_a_site_survives_too() -> None:
    """A subclass with a constructor of its own is pickled and copied with what it adds."""
    error = SiteError(7)
    assert is_same(pickle.loads(pickle.dumps(error)), error)
    assert is_same(copy.copy(error), error)


def test_an_error_comes_out_of_a_pool_of_processes() -> None:
    """A pool reports the error that its process raised, and does not wait forever."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        with pytest.raises(ApiError, match="It was refused") as caught:
            pool.apply_async(as_refused, (418,)).get(timeout=60)
        assert (caught.value.status, caught.value.code) == (418, "AS-1302")


def test_codes_are_in_one_table() -> None:
    """Each class whose failure users read has its code in ErrorCode, and a code is a plain string."""
    for kind in (
        exceptions.AuthorizationFailed,
        exceptions.ClientRejected,
        exceptions.DecryptionFailed,
        exceptions.TemporarilyUnavailable,
        exceptions.UntrustedHost,
    ):
        assert kind.code in {*ErrorCode}
    error = exceptions.AuthorizationFailed("No.", code=ErrorCode.EXPIRED)
    assert type(error.code) is str
    assert [type(each) for each in error.args] == [str, str]


def test_no_code_is_written_out_where_an_error_is_raised() -> None:
    """A misspelt one would fall back to other words: raise sites name members of ErrorCode."""
    kinds = {name for name in vars(exceptions) if name[0].isupper()}
    package = Path(exceptions.__file__).parent
    written_out = [
        f"{file.relative_to(package)}:{node.lineno}"
        for file in package.rglob("*.py")
        if "sandbox" not in file.relative_to(package).parts
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and name_of(node.func) in kinds
        for keyword in node.keywords
        if keyword.arg == "code"
        and (isinstance(keyword.value, ast.Constant) or name_of(keyword.value).isupper())
    ]
    assert written_out == []


def name_of(node: ast.expr) -> str:
    """Return the plain name that an expression is, or nothing."""
    return node.id if isinstance(node, ast.Name) else ""
