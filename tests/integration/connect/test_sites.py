"""The pages inside sites as people build them: policies, middleware, logins and URLs of their own."""

from contextlib import suppress
from typing import Any

import django
import pytest
from asgiref.sync import async_to_sync
from django.conf.urls.i18n import i18n_patterns
from django.core.checks import CheckMessage, run_checks
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.test import AsyncClient, Client, RequestFactory, override_settings
from django.test.utils import override_script_prefix
from django.urls import NoReverseMatch, include, path, re_path, reverse
from django.utils.functional import lazy
from django.utils.translation import get_language
from pytest_django import Settings

from actionstep_connect.checks.urls import check_form_action, check_urls, check_views
from actionstep_connect.decorators import (
    ActionstepRequest,
    actionstep_connection_required,
    redirect_to_connect,
)
from actionstep_connect.links import included_paths, namespaces
from actionstep_connect.models import AuthorizationRequest, Connection
from actionstep_connect.scopes import REQUIREMENTS, Requirement
from actionstep_connect.views.protection import safe_next
from tests.support.connections import make_connection, make_user
from tests.support.hostile_server import HostileServer
from tests.support.person import (
    CONNECT,
    CONNECTIONS,
    Person,
    callback_url,
    query,
    words,
)
from tests.urls import urlpatterns as site_urls

pytestmark = pytest.mark.django_db

BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64)"}


# Policies.

POLICY = "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'self'"


def overwriting(get_response: Any) -> Any:
    """Set the site's policy in every answer, whatever it has."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response: HttpResponse = get_response(request)
        response.headers["Content-Security-Policy"] = POLICY
        return response

    return middleware


def setting_default(get_response: Any) -> Any:
    """Set the site's policy in every answer that has none."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response: HttpResponse = get_response(request)
        response.setdefault("Content-Security-Policy", POLICY)
        return response

    return middleware


def appending(get_response: Any) -> Any:
    """Add the site's policy to the one that an answer has."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response: HttpResponse = get_response(request)
        present = response.get("Content-Security-Policy", "")
        response["Content-Security-Policy"] = f"{present}, {POLICY}" if present else POLICY
        return response

    return middleware


def writing_bytes(get_response: Any) -> Any:
    """Set the site's policy as bytes, which Django's headers take."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response: HttpResponse = get_response(request)
        response.headers["Content-Security-Policy"] = POLICY.encode()
        return response

    return middleware


POLICIES: dict[str, dict[str, Any]] = {
    "django-csp": {
        "CONTENT_SECURITY_POLICY": {
            "DIRECTIVES": {
                "default-src": ["'self'"],
                "object-src": ["'none'"],
                "base-uri": ["'none'"],
                "frame-ancestors": ["'self'"],
            }
        },
        "middleware": "csp.middleware.CSPMiddleware",
    },
    "overwriting": {"middleware": f"{__name__}.overwriting"},
    "setdefault": {"middleware": f"{__name__}.setting_default"},
    "appending": {"middleware": f"{__name__}.appending"},
    "bytes": {"middleware": f"{__name__}.writing_bytes"},
}
if django.VERSION >= (6, 0):
    POLICIES["Django"] = {
        "SECURE_CSP": {
            "default-src": ["'self'"],
            "object-src": ["'none'"],
            "base-uri": ["'none'"],
            "frame-ancestors": ["'self'"],
        },
        "middleware": "django.middleware.csp.ContentSecurityPolicyMiddleware",
    }


@pytest.mark.parametrize("first", [True, False], ids=["outermost", "innermost"])
@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_s49_a_sites_policy_stays_whole_and_frames_are_refused(
    person: Person, settings: Settings, server: HostileServer, policy: dict[str, Any], first: bool
) -> None:
    """Whatever sets it, and in whatever order, each page has the site's directives and this package's."""
    connection = make_connection(person.user)
    others = settings.MIDDLEWARE
    middleware = policy["middleware"]
    settings.MIDDLEWARE = [middleware, *others] if first else [*others, middleware]
    for name, value in policy.items():
        if name.isupper():
            setattr(settings, name, value)
    start = person.start()
    leaving = person.browser.post(CONNECT, headers=BROWSER).headers["Location"]
    for address in (
        CONNECTIONS,
        CONNECT,
        leaving,
        f"/actionstep/disconnect/{connection.pk}/",
        callback_url(start),
        "/actionstep/health/",
    ):
        header = dict(person.browser.get(address).items())["Content-Security-Policy"]
        for one in header.split(","):
            assert "frame-ancestors 'none'" in one
            assert "frame-ancestors 'self'" not in one
        for directive in ("default-src 'self'", "object-src 'none'", "base-uri 'none'"):
            assert directive in header, address


def test_s9_without_a_policy_frames_are_refused_on_the_wire(person: Person) -> None:
    """What a server sends is what `items` gives."""
    headers = dict(person.browser.get(CONNECTIONS).items())
    assert headers["Content-Security-Policy"] == "frame-ancestors 'none'"
    assert headers["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize(
    ("setting", "value", "is_told"),
    [
        ("SECURE_CSP", {"form-action": ["'none'"]}, True),
        ("SECURE_CSP", {"form-action": ["'self'"]}, False),
        ("SECURE_CSP", {"default-src": ["'self'"]}, False),
        ("CONTENT_SECURITY_POLICY", {"DIRECTIVES": {"form-action": "https://pay.example"}}, True),
        ("CONTENT_SECURITY_POLICY", {"DIRECTIVES": {"form-action": ["'self'", "https:"]}}, False),
        ("CSP_FORM_ACTION", ("'none'",), True),
    ],
)
def test_s49_a_policy_that_blocks_our_forms_is_named_with_the_line_to_add(
    settings: Settings, setting: str, value: Any, is_told: bool
) -> None:
    """Only the site can allow its own forms, so a check says what to add, and where."""
    setattr(settings, setting, value)
    found = check_form_action()
    assert bool(found) is is_told
    if found:
        assert setting in found[0].msg
        assert "'self'" in str(found[0].hint)


# Forged forms.


def test_s52_a_forged_post_is_refused_without_the_sites_middleware(
    person: Person, settings: Settings
) -> None:
    """Connecting, disconnecting and choosing protect themselves."""
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "csrf" not in name.lower()]
    connection = make_connection(person.user)
    guarded = Person(person.user, enforce_csrf_checks=True)
    for address in (CONNECT, f"/actionstep/disconnect/{connection.pk}/", CONNECTIONS):
        assert guarded.browser.post(address, {"orgkey": "acmelaw"}).status_code == 403
    assert not AuthorizationRequest.objects.exists()
    assert Connection.objects.get().status == "connected"
    guarded.browser.get(CONNECT)
    token = guarded.browser.cookies["csrftoken"].value
    answer = guarded.browser.post(CONNECT, {"csrfmiddlewaretoken": token})
    assert (answer.status_code, AuthorizationRequest.objects.count()) == (302, 1)


# Words of a stranger.


@pytest.mark.parametrize(
    "address",
    [
        f"{CONNECT}?scopes=Call-0800-123-at-once",
        f"{CONNECT}?orgkey=Call-0800-123-at-once",
        f"{CONNECT}?problem=Call-0800-123-at-once",
        f"{CONNECTIONS}?next=/Call-0800-123-at-once&choose=1",
    ],
)
@pytest.mark.parametrize("allowed", [["all"], ["actions"]], ids="".join)
def test_s53_no_page_shows_words_that_came_with_the_address(
    person: Person, settings: Settings, address: str, allowed: list[str]
) -> None:
    """Neither scopes, nor an organisation, nor an ending that this site has not said."""
    own = settings.ACTIONSTEP_CONNECT
    settings.ACTIONSTEP_CONNECT = {**own, "SCOPES": ["actions"], "ALLOWED_SCOPES": allowed}
    assert "0800" not in words(person.browser.get(address))


def test_s53_an_organisation_that_was_never_named_is_not_named_afterwards(
    person: Person, server: HostileServer
) -> None:
    """Coming back from Actionstep makes it no more this site's own word."""
    url = callback_url(person.start(orgkey="Call-0800-123"))
    page = person.look(person.come_back(url))
    assert "0800" not in page.content.decode()
    assert "acmelaw, which is not the organisation that was requested" in words(page)


def test_an_organisation_that_a_view_names_is_shown(person: Person) -> None:
    """What this site's own code says may be said."""
    requirement = Requirement("somewhere, line 1", (), "boundlaw")
    REQUIREMENTS.add(requirement)
    try:
        page = person.browser.get(CONNECT, {"orgkey": "boundlaw"})
    finally:
        REQUIREMENTS.remove(requirement)
    assert "Connect boundlaw" in words(page)


# The login elsewhere.

ELSEWHERE = "https://accounts.example/sign-in/"


@actionstep_connection_required()
def decorated(request: ActionstepRequest) -> HttpResponse:
    """Need a connection."""
    return HttpResponse(request.actionstep.orgkey)


with_view = [*site_urls, path("decorated/", decorated)]
urlpatterns = with_view


@pytest.mark.parametrize(
    ("address", "back"),
    [
        ("/decorated/?page=2", "/decorated/?page=2"),
        (f"{CONNECT}?scopes=actions", f"{CONNECT}?scopes=actions"),
        ("/actionstep/callback/?code=canary&state=canary", CONNECTIONS),
    ],
    ids=["decorator", "page", "callback"],
)
@pytest.mark.parametrize("login", [ELSEWHERE, "http://testserver/login/", "/login/"])
def test_a_login_elsewhere_is_told_the_whole_address(
    settings: Settings, db: None, address: str, back: str, login: str
) -> None:
    """As Django's own `login_required` does it: relative only where the login is on this host."""
    settings.ROOT_URLCONF = __name__
    settings.LOGIN_URL = login
    answer = Client().get(address)
    prefix = "http://testserver" if login == ELSEWHERE else ""
    assert query(answer.headers["Location"]) == {"next": prefix + back}
    assert answer.headers["Location"].startswith(login)


def test_htmx_leaves_for_a_login_elsewhere(settings: Settings, db: None) -> None:
    """A script could not follow there, so htmx is told to go; back leads to the page it was on."""
    settings.ROOT_URLCONF = __name__
    settings.LOGIN_URL = ELSEWHERE
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/home/?a=b"}
    answer = Client().get("/decorated/", headers=headers)
    assert answer.status_code == 200
    assert query(answer.headers["HX-Redirect"]) == {"next": "http://testserver/home/?a=b"}


def test_htmx_loads_the_pages_as_a_whole(person: Person, settings: Settings) -> None:
    """A fragment that needs a connection becomes the connect page, not a part of another page."""
    settings.ROOT_URLCONF = __name__
    headers = {"HX-Request": "true", "HX-Current-URL": "http://127.0.0.1:8000/home/"}
    away = person.browser.get("/decorated/", headers=headers)
    answer = person.browser.get(away.headers["Location"], headers=headers)
    assert answer.content == b""
    assert query(answer.headers["HX-Redirect"])["next"] == "/home/"


# Addresses.

own_urls = include("actionstep_connect.urls")
translated = lazy(lambda: {"de": "kanzlei/"}.get(str(get_language()), "firm/"), str)()
MODULES = {
    "languages": [*i18n_patterns(path("actionstep/", own_urls)), *site_urls[1:]],
    "nested": [path("firm/", include(([path("actionstep/", own_urls)], "firm"))), *site_urls[1:]],
    "parameters": [path("<slug:firm>/actionstep/", own_urls), *site_urls[1:]],
    "none": site_urls[1:],
    "translated": [path(translated, own_urls), *site_urls[1:]],
    "regular expression": [re_path(translated, own_urls), *site_urls[1:]],
    "below translated": [
        path(translated, include([path("actionstep/", own_urls)])),
        *site_urls[1:],
    ],
    "twice": [*site_urls, path("again/", include("actionstep_connect.urls", namespace="again"))],
}


class Urls:
    """A URLconf."""

    def __init__(self, urlpatterns: list[Any]) -> None:
        self.urlpatterns = urlpatterns


def ids(found: list[CheckMessage]) -> list[str]:
    return [str(message.id).removeprefix("actionstep_connect.") for message in found]


@pytest.mark.parametrize(
    ("urls", "redirect_uri", "expected"),
    [
        (site_urls, None, []),
        (site_urls, "https://law.example/actionstep/callback/", []),
        (site_urls, "https://law.example/prefix/actionstep/callback/", []),
        (site_urls, "https://law.example/elsewhere/", ["W032"]),
        (MODULES["languages"], None, ["W030"]),
        (MODULES["languages"], "https://law.example/de/actionstep/callback/", []),
        (MODULES["languages"], "https://law.example/fr/actionstep/callback/", ["W032"]),
        (MODULES["translated"], None, ["W030"]),
        (MODULES["translated"], "https://law.example/kanzlei/callback/", []),
        (MODULES["regular expression"], None, ["W030"]),
        (MODULES["below translated"], None, ["W030"]),
        (MODULES["twice"], None, []),
        (MODULES["nested"], None, ["W031"]),
        (MODULES["parameters"], None, ["E031"]),
        (MODULES["none"], "https://law.example/actionstep/callback/", []),
    ],
)
def test_a_redirect_uri_that_cannot_be_right_is_told_by_a_check(
    settings: Settings, urls: list[Any], redirect_uri: str | None, expected: list[str]
) -> None:
    """Before anybody is sent away, with the cure."""
    own = settings.ACTIONSTEP_CONNECT
    settings.ACTIONSTEP_CONNECT = {**own, "REDIRECT_URI": redirect_uri}
    settings.LANGUAGES = [("en", "English"), ("de", "Deutsch")]
    with override_settings(ROOT_URLCONF=Urls(urls)):
        found = check_urls()
    assert ids(found) == expected
    assert all(message.hint for message in found)


@pytest.mark.parametrize("prefix", ["/", "/office/"])
@pytest.mark.parametrize(
    "urls",
    [
        site_urls,
        *MODULES.values(),
        [*site_urls, path("again/", own_urls)],
        [path("akte & mandant/", own_urls), *site_urls[1:]],
        [path("/double/", own_urls), *site_urls[1:]],
        [re_path("^firm/", include([path("actionstep/", own_urls)])), *site_urls[1:]],
    ],
)
def test_the_callbacks_paths_are_those_that_django_gives(
    settings: Settings, urls: list[Any], prefix: str
) -> None:
    """They are put together from routes that are all text, without Django's table of all URLs."""
    with override_settings(ROOT_URLCONF=Urls(urls)), override_script_prefix(prefix):
        expected = []
        for namespace in namespaces():
            with suppress(NoReverseMatch):
                expected.append(reverse(f"{namespace}:callback"))
        assert list(included_paths("callback")) == expected


def test_inside_another_namespace_every_page_works(
    person: Person, settings: Settings, server: HostileServer
) -> None:
    """The pages find each other, and so do the tags and the way back."""
    settings.ROOT_URLCONF = Urls(MODULES["nested"])
    connection = make_connection(person.user, orgkey="other")
    for address in ("", "connect/", f"disconnect/{connection.pk}/"):
        assert person.browser.get(f"/firm/actionstep/{address}").status_code == 200
    away = person.browser.post("/firm/actionstep/connect/")
    url = away.headers["Location"]
    assert query(url)["redirect_uri"] == "http://127.0.0.1:8000/firm/actionstep/callback/"
    back = callback_url(url).replace("/actionstep/", "/firm/actionstep/")
    assert person.come_back(back).headers["Location"] == "/firm/actionstep/"
    assert Connection.objects.count() == 2


def button(person: Person, next_url: str = "") -> str:
    request = RequestFactory().get("/")
    request.user = person.user
    tags = f"{{% load actionstep_connect %}}{{% actionstep_connect_button next='{next_url}' %}}"
    return str(engines["django"].from_string(tags).render({}, request))


def test_where_only_redirect_uri_knows_the_urls_links_come_from_it(
    person: Person, settings: Settings
) -> None:
    """A page of another host, whose URLconf does not have them, leads to the host that does."""
    settings.ROOT_URLCONF = Urls([*MODULES["none"], path("decorated/", decorated)])
    own = settings.ACTIONSTEP_CONNECT
    uri = "https://app.law.example/actionstep/callback/"
    settings.ACTIONSTEP_CONNECT = {**own, "REDIRECT_URI": uri}
    assert 'action="https://app.law.example/actionstep/connect/"' in button(person)
    away = person.browser.get("/decorated/").headers["Location"]
    assert away.startswith("https://app.law.example/actionstep/connect/?")


@pytest.mark.parametrize("address", ["/decorated/", "/asking/"])
def test_htmx_leaves_for_pages_at_another_host(
    person: Person, settings: Settings, address: str
) -> None:
    """It could not follow a redirect there: browsers refuse that to scripts, without a word."""
    settings.ROOT_URLCONF = Urls(
        [
            *MODULES["none"],
            path("decorated/", decorated),
            path("asking/", redirect_to_connect),
        ]
    )
    own = settings.ACTIONSTEP_CONNECT
    uri = "https://app.law.example/actionstep/callback/"
    settings.ACTIONSTEP_CONNECT = {**own, "REDIRECT_URI": uri}
    answer = person.browser.get(address, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert answer.headers["HX-Redirect"].startswith("https://app.law.example/actionstep/connect/")


def test_a_frame_of_turbo_leads_back_to_its_page(person: Person, settings: Settings) -> None:
    """As a fragment of htmx does: the frame's own address is no page."""
    settings.ROOT_URLCONF = __name__
    headers = {"Turbo-Frame": "hours", "Referer": "http://127.0.0.1:8000/home/?a=b"}
    away = person.browser.get("/decorated/", headers=headers)
    assert query(away.headers["Location"])["next"] == "/home/?a=b"


@pytest.mark.parametrize(
    ("allowed", "is_followed"),
    [
        (["127.0.0.1", "www.law.example"], True),
        (["127.0.0.1", ".law.example"], False),
        (["*"], False),
    ],
    ids=["named", "subdomains", "any"],
)
def test_s10_the_way_back_to_another_host_is_kept_if_the_site_names_it(
    person: Person,
    server: HostileServer,
    settings: Settings,
    allowed: list[str],
    is_followed: bool,
) -> None:
    """A host without these URLs sends its whole address along; no wildcard makes it a host to go to."""
    own = settings.ACTIONSTEP_CONNECT
    settings.ACTIONSTEP_CONNECT = {
        **own,
        "REDIRECT_URI": "http://127.0.0.1:8000/actionstep/callback/",
    }
    settings.ALLOWED_HOSTS = ["www.law.example", "testserver"]
    host = {"Host": "www.law.example:8000"}
    with override_settings(ROOT_URLCONF=Urls([*MODULES["none"], path("decorated/", decorated)])):
        away = person.browser.get("/decorated/", headers=host).headers["Location"]
        assert 'value="http://testserver/home/"' in button(person, "/home/")
    back = query(away)["next"]
    assert back == "http://www.law.example:8000/decorated/"
    settings.ALLOWED_HOSTS = allowed
    arrival = person.come_back(callback_url(person.start(next=back)))
    assert arrival.headers["Location"] == (back if is_followed else CONNECTIONS)


def test_a_way_back_that_is_too_long_is_left_out(person: Person, settings: Settings) -> None:
    """The connect page would forget it, and Django refuses to redirect to so long an address."""
    settings.ROOT_URLCONF = __name__
    away = person.browser.get("/decorated/?q=" + "%25" * 9000)
    assert away.status_code == 302
    assert "next" not in query(away.headers["Location"])
    login = Client().get("/decorated/?q=" + "%25" * 9000)
    assert query(login.headers["Location"]) == {"next": CONNECTIONS}


def test_s10_no_spelling_of_the_host_makes_another_one(settings: Settings) -> None:
    """Django allows a host in any case; what it is compared with is made of whole names."""
    uri = "https://law.example/actionstep/callback/"
    settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, "REDIRECT_URI": uri}
    settings.ALLOWED_HOSTS = ["law.example", "www.law.example"]
    request = RequestFactory().get("/", headers={"Host": "LAW.example"})
    assert safe_next(request, "http://www.law.exampleLAW.example/") == ""
    assert safe_next(request, "http://www.law.example/") == "http://www.law.example/"


@pytest.mark.parametrize("uri", ["https://law.example/", "https://law.example"])
def test_a_redirect_uri_without_a_path_leaves_the_page_standing(
    person: Person, settings: Settings, uri: str
) -> None:
    """A check names the setting; the page is no error page."""
    settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, "REDIRECT_URI": uri}
    assert person.browser.get(CONNECT).status_code == 200


def test_the_ipv6_loopback_is_the_host_that_redirect_uri_names(
    person: Person, settings: Settings
) -> None:
    """The page does not send a developer to the address that they are at."""
    uri = "http://[::1]:8000/actionstep/callback/"
    settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, "REDIRECT_URI": uri}
    page = person.browser.get(CONNECT, headers={"Host": "[::1]:8000"})
    assert "another address" not in words(page)


@pytest.mark.parametrize(
    ("host", "domain", "headers", "is_told"),
    [
        ("www.law.example", None, {}, True),
        ("app.law.example", None, {}, False),
        ("app.law.example:8443", None, {}, False),
        ("www.law.example", ".law.example", {}, False),
        ("www.other.example", "law.example", {}, True),
        (
            "internal",
            None,
            {"Sec-Fetch-Site": "same-origin", "Referer": "https://app.law.example/x/"},
            False,
        ),
    ],
    ids=["elsewhere", "there", "another port", "one cookie", "another cookie", "behind a proxy"],
)
def test_a_redirect_uri_on_another_host_is_told_on_the_page(
    person: Person,
    settings: Settings,
    host: str,
    domain: str | None,
    headers: dict[str, str],
    is_told: bool,
) -> None:
    """The page leads to where connecting works, and keeps what the user came for."""
    own = settings.ACTIONSTEP_CONNECT
    uri = "https://app.law.example/actionstep/callback/"
    settings.ACTIONSTEP_CONNECT = {**own, "REDIRECT_URI": uri}
    settings.SESSION_COOKIE_DOMAIN = domain
    address = f"{CONNECT}?scopes=actions&next=/here/"
    page = person.browser.get(address, headers={"Host": host, **headers})
    there = "https://app.law.example/actionstep/connect/?scopes=actions&amp;next=/here/"
    assert (there in page.content.decode()) is is_told
    assert ("Connect at app.law.example" in words(page)) is is_told


def test_a_browser_on_another_host_is_not_sent_away(person: Person, settings: Settings) -> None:
    """It says itself where it is; it sees the page that says where to connect instead."""
    own = settings.ACTIONSTEP_CONNECT
    uri = "https://app.law.example/actionstep/callback/"
    settings.ACTIONSTEP_CONNECT = {**own, "REDIRECT_URI": uri}
    origin = {"Origin": "http://127.0.0.1:8000", **BROWSER}
    page = person.browser.post(CONNECT, headers=origin)
    assert "Connect at app.law.example" in words(page)
    assert not AuthorizationRequest.objects.exists()
    # A proxy wrote another name into `Host`; the browser is where it should be.
    answer = person.browser.post(CONNECT, headers={"Origin": "https://app.law.example", **BROWSER})
    assert answer.status_code == 303


# Asynchronous views.


@actionstep_connection_required()
async def async_view(request: ActionstepRequest) -> HttpResponse:
    """Answer with the organisation."""
    return HttpResponse(request.actionstep.orgkey)


BASE = "{{ user.username }}{% block head %}{% endblock %}{% block content %}{% endblock %}"


@pytest.mark.django_db(transaction=True)
def test_an_async_view_says_that_an_account_is_not_active(settings: Settings) -> None:
    """The site's own base template may ask who is signed in, which takes the database."""
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.AllowAllUsersModelBackend"]
    processors = settings.TEMPLATES[0]["OPTIONS"]["context_processors"]
    loaders = [
        ("django.template.loaders.locmem.Loader", {"actionstep_connect/base.html": BASE}),
        "django.template.loaders.app_directories.Loader",
    ]
    settings.TEMPLATES = [
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "OPTIONS": {"context_processors": processors, "loaders": loaders},
        }
    ]
    settings.ROOT_URLCONF = Urls([*site_urls, path("async/", async_view)])
    browser = AsyncClient()
    browser.force_login(make_user(is_active=False))
    answer = async_to_sync(browser.get)("/async/")
    assert answer.status_code == 403
    assert "Your account is not active" in words(answer)


# Scopes of views.


def test_a_view_whose_scope_may_not_be_asked_for_is_told_by_a_check(settings: Settings) -> None:
    """It is known at import, so no one needs to open the page to find out."""
    before = set(REQUIREMENTS)
    actionstep_connection_required(scopes=["never-allowed", "actions"])
    own = [one for one in REQUIREMENTS if one.scopes == ("never-allowed", "actions")]
    try:
        (found,) = [each for each in check_views() if "never-allowed" in each.msg]
        assert found in run_checks(tags=["actionstep_connect"])
    finally:
        REQUIREMENTS.clear()
        REQUIREMENTS.update(before)
    assert own
    assert found.id == "actionstep_connect.E030"
    assert __name__ in found.msg
