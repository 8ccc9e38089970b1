"""Which view a request would reach, without calling it: a middleware may give each host its URLconf."""

from io import BytesIO
from urllib.parse import urlsplit

from django.core.handlers.base import BaseHandler
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, get_script_prefix, get_urlconf, set_urlconf

from actionstep_connect.conf import is_allowed_host


class _Finder(BaseHandler):
    """Pass a request through the site's middleware, and look where it arrives."""

    view_name = ""

    def _get_response(self, request: HttpRequest) -> HttpResponse:
        try:
            self.resolve_request(request)
        except Resolver404:
            return HttpResponse()
        if (match := request.resolver_match) and match.app_names:
            # The app's name, because a site may have included the URLs within a namespace.
            self.view_name = f"{match.app_names[-1]}:{match.url_name}"
        return HttpResponse()


def find_view(url: str) -> str:
    """Return the app's and the view's name that a GET of `url`, at this site, would reach; or nothing."""
    if not is_allowed_host(url):  # Django would log each look as an attack.
        return ""
    address, before = urlsplit(url), get_urlconf()
    finder = _Finder()
    finder.load_middleware()
    try:
        finder.get_response(
            WSGIRequest(
                {
                    "REQUEST_METHOD": "GET",
                    "PATH_INFO": address.path.removeprefix(get_script_prefix().rstrip("/")),
                    "HTTP_HOST": address.netloc,
                    "SERVER_NAME": address.hostname,
                    "SERVER_PORT": str(address.port or 443),
                    "wsgi.url_scheme": address.scheme,
                    "wsgi.input": BytesIO(),
                }
            )
        )
    finally:
        set_urlconf(before)
    return finder.view_name
