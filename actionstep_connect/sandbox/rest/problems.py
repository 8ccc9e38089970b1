"""Answers other than 2xx."""

from collections.abc import Sequence

from django.http import HttpResponse, JsonResponse

from actionstep_connect.sandbox.rest.errors import (
    ANY_OTHER,
    INVALID_BODY,
    MEDIA_TYPE,
    TITLES,
    Mistake,
    error,
)
from actionstep_connect.sandbox.switchboard import switchboard


class ApiProblem(Exception):  # noqa: N818 (an answer, rather than an error of the sandbox)
    """Ends an API request; several mistakes make a list of errors, one makes an object."""

    def __init__(
        self,
        status: int,
        *mistakes: Mistake | str,
        code: str = ANY_OTHER,
        title: str = "",
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(status)
        self.status = status
        self.title = title or TITLES.get(status, "Error")
        self.mistakes: Sequence[Mistake] = [
            Mistake(one) if isinstance(one, str) else one for one in mistakes or (self.title,)
        ]
        self.code = code
        self.headers = headers or {}

    def response(self) -> HttpResponse:
        errors = [error(self.status, self.title, self.code, mistake) for mistake in self.mistakes]
        is_list = len(errors) > 1 or switchboard.options.errors_as_list
        body = {"errors": errors if is_list else errors[0]}
        return JsonResponse(body, status=self.status, content_type=MEDIA_TYPE, headers=self.headers)


class InvalidBody(ApiProblem):
    """The body is no JSON, or a row in it makes no sense."""

    def __init__(self, *mistakes: Mistake | str) -> None:
        super().__init__(400, *mistakes, code=INVALID_BODY, title="Invalid JSON Message")


class TokenRefused(Exception):  # noqa: N818 (as above)
    """The bearer token does not serve; the body is OAuth-shaped."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error

    def response(self) -> HttpResponse:
        return JsonResponse(
            {"error": self.error},
            status=401,
            headers={"WWW-Authenticate": f'Bearer error="{self.error}"'},
        )
