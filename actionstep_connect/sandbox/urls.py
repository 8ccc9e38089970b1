from django.urls import path, re_path

from actionstep_connect.sandbox.views import (
    authorize,
    console,
    errors,
    openapi,
    rest,
    switches,
    token,
)

handler400 = errors.bad_request
handler404 = errors.not_found
handler500 = errors.server_error

urlpatterns = [
    path("", console.console),
    path("sandbox/style.css", console.style),
    path("sandbox/openapi.json", openapi.openapi),
    path("sandbox/state", switches.state),
    path("sandbox/<str:name>", switches.switch),
    path("api/oauth/authorize", authorize.authorize),
    path("api/oauth/token", token.token),
    re_path(r"^api/rest/(?P<name>[^/]+)(?:/(?P<ids>[^/]+))?/?$", rest.rest),
]
