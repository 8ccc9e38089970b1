"""What Django answers on its own: below the API's address in the API's shape, else as a page."""

from django.http import HttpRequest, HttpResponse
from django.views import defaults

from actionstep_connect.sandbox.middleware import endpoint_of
from actionstep_connect.sandbox.rest.problems import ApiProblem


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if endpoint_of(request.path) == "api":
        return ApiProblem(400, "The request cannot be read, or is too long.").response()
    return defaults.bad_request(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if endpoint_of(request.path) == "api":
        return ApiProblem(404, "There is no such address.").response()
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    if endpoint_of(request.path) == "api":
        return ApiProblem(500).response()
    return defaults.server_error(request)
