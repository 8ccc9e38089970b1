"""Leaving from where people are: another language's address, a session that ended, a cookie that got lost."""

import html
from urllib.parse import urlsplit

import pytest
from django.conf.urls.i18n import i18n_patterns
from django.urls import include, path
from pytest_django import Settings

from actionstep_connect.models import AuthorizationRequest, Connection
from actionstep_connect.views.browser import MARKER_COOKIE
from tests.support.connections import make_connection
from tests.support.hostile_server import Answer, HostileServer, grant
from tests.support.person import CONNECT, CONNECTIONS, Person, callback_url, query, words
from tests.urls import urlpatterns as site_urls

pytestmark = pytest.mark.django_db

BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64)"}
LOCALE = "django.middleware.locale.LocaleMiddleware"


class Urls:
    """A URLconf with an address for each language, and none for the site's own."""

    urlpatterns = (
        *i18n_patterns(
            path("actionstep/", include("actionstep_connect.urls")), prefix_default_language=False
        ),
        *site_urls[1:],
    )


def sent_with(person: Person, address: str) -> bool:
    """Return whether a browser would send this package's cookie to `address` (RFC 6265 §5.1.4)."""
    return urlsplit(address).path.startswith(person.browser.cookies[MARKER_COOKIE]["path"])


@pytest.mark.parametrize(
    ("prefix", "here", "registered"),
    [
        ("", "/de/actionstep/", "/actionstep/callback/"),
        ("", "/actionstep/", "/de/actionstep/callback/"),
        ("", "/de/actionstep/", "/fr/actionstep/callback/"),
        ("/app", "/actionstep/", "/de/actionstep/callback/"),  # A proxy takes it off.
    ],
)
def test_one_may_leave_from_a_language_that_is_not_the_registered_ones(
    person: Person,
    settings: Settings,
    server: HostileServer,
    prefix: str,
    here: str,
    registered: str,
) -> None:
    """The cookie goes to the page that leads to Actionstep as well as to the callback."""
    settings.ROOT_URLCONF = Urls
    settings.LANGUAGES = [("en", "English"), ("de", "Deutsch"), ("fr", "Français")]
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, LOCALE]
    own = settings.ACTIONSTEP_CONNECT
    uri = f"http://127.0.0.1:8000{prefix}{registered}"
    settings.ACTIONSTEP_CONNECT = {**own, "REDIRECT_URI": uri}
    server.script([Answer(body=grant())])
    leaving = person.browser.post(f"{here}connect/", headers=BROWSER).headers["Location"]
    assert leaving.startswith(f"{here}connect/?attempt=")
    assert sent_with(person, f"{prefix}{leaving}")
    assert sent_with(person, f"{prefix}{registered}")
    page = person.browser.get(leaving)
    away = page.context["url"]
    assert query(away)["redirect_uri"] == uri
    back = callback_url(away).replace("/actionstep/callback/", registered)
    person.come_back(back)
    assert Connection.objects.get().user == person.user


@pytest.mark.parametrize(
    "middleware", [[], ["django.contrib.auth.middleware.LoginRequiredMiddleware"]]
)
def test_a_session_that_ended_before_the_click_loses_nothing(
    person: Person, settings: Settings, middleware: list[str]
) -> None:
    """Signing in again leads to the same page, with the scopes, the organisation and the way back."""
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, *middleware]
    make_connection(person.user, orgkey="acmelaw")
    for address in (
        f"{CONNECT}?scopes=actions&next=/here/&orgkey=acmelaw",
        f"{CONNECTIONS}?choose=1&next=/here/",
    ):
        page = person.browser.get(address)
        (form,) = [
            form for form in page.content.decode().split("<form")[1:] if 'method="post"' in form
        ]
        sent_to = html.unescape(form.partition('action="')[2].partition('"')[0])
        assert (urlsplit(sent_to).path, query(sent_to)) == (urlsplit(address).path, query(address))
        person.sign_out()
        login = person.browser.post(sent_to).headers["Location"]
        assert query(login)["next"] == sent_to
        person.sign_in_as(person.user)


def test_a_browser_whose_cookie_gets_lost_is_told(person: Person) -> None:
    """Blocked by the browser, or taken out by a proxy: the page says so instead of doing nothing."""
    leaving = person.browser.post(CONNECT, headers=BROWSER).headers["Location"]
    del person.browser.cookies[MARKER_COOKIE]
    page = person.browser.get(leaving)
    assert page.status_code == 403
    assert "cookie" in words(page)
    assert AuthorizationRequest.objects.get().used_at is None
