"""Answers other than 2xx."""

from collections.abc import Sequence

from django.http import HttpResponse, JsonResponse

from actionstep_connect.sandbox.switchboard import switchboard

MEDIA_TYPE = "application/vnd.api+json"

TITLES = {
    400: "Bad request",
    403: "Forbidden",
    404: "Not found",
    405: "Method not allowed",
    406: "Not acceptable",
    415: "Unsupported media type",
    429: "Too many requests",
    500: "Internal server error",
}


class ApiProblem(Exception):  # noqa: N818 (an answer, rather than an error of ours)
    """Ends an API request; several details make a list of errors, one makes an object."""

    def __init__(
        self,
        status: int,
        *details: str,
        code: str = "",
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(status)
        self.status = status
        self.details: Sequence[str] = details or (TITLES.get(status, ""),)
        self.code = code or f"AS-1{status}"
        self.headers = headers or {}

    def response(self) -> HttpResponse:
        errors = [
            {
                "status": str(self.status),
                "code": self.code,
                "title": TITLES.get(self.status, "Error"),
                "detail": detail,
            }
            for detail in self.details
        ]
        is_list = len(errors) > 1 or switchboard.options.errors_as_list
        body = {"errors": errors if is_list else errors[0]}
        return JsonResponse(body, status=self.status, content_type=MEDIA_TYPE, headers=self.headers)


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
