"""A person with one browser: it walks through the site's pages and through Actionstep's."""

import html
import re
from collections.abc import Callable
from typing import Any, Literal
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx2
from django.contrib.auth.models import User
from django.core import signing
from django.http import HttpResponse
from django.test import Client

from actionstep_connect.models import AuthorizationRequest
from actionstep_connect.testing.end_user import authorize
from actionstep_connect.views.browser import ENDING_COOKIE
from tests.support.connections import make_user

SITE = "http://127.0.0.1:8000"
CONNECTIONS, CONNECT, CALLBACK = "/actionstep/", "/actionstep/connect/", "/actionstep/callback/"

#: Returns how many codes the token endpoint was sent; the fixture `exchanges` gives it.
Exchanges = Callable[[], int]

Page = Any  # django-stubs' test response is generic over each client; its attributes are dynamic.


class Person:
    """One user of the site in a browser of their own."""

    def __init__(self, user: User | None = None, **client: Any) -> None:
        self.user = user if user is not None else make_user()
        self.browser = Client(headers={"Host": "127.0.0.1:8000"}, **client)
        self.browser.force_login(self.user)

    @classmethod
    def again(cls, other: "Person") -> "Person":
        """Return the same person in the same browser, for a thread of its own."""
        same = cls.__new__(cls)
        same.user = other.user
        same.browser = Client(headers={"Host": "127.0.0.1:8000"})
        same.browser.cookies = other.browser.cookies
        return same

    def sign_out(self) -> None:
        self.browser.logout()

    def sign_in_as(self, user: User) -> None:
        self.user = user
        self.browser.force_login(user)

    def start(self, **fields: str) -> str:
        """Press the button on the connect page; return the address at Actionstep."""
        response = self.browser.post(CONNECT, fields)
        assert response.status_code == 302, words(response)
        return str(response.headers["Location"])

    def allow(
        self,
        url: str,
        *,
        username: str = "priya",
        orgkey: str = "acmelaw",
        decision: Literal["allow", "deny"] = "allow",
    ) -> str:
        """Go through both pages of Actionstep; return the address that leads back."""
        location = authorize(url, username=username, orgkey=orgkey, decision=decision)
        assert location.startswith(SITE), location
        return location.removeprefix(SITE)

    def come_back(self, url: str, **extra: Any) -> Page:
        """Arrive at the callback; nothing is followed."""
        return self.browser.get(url, **extra)

    def connect(self, *, orgkey: str = "acmelaw", username: str = "priya", **fields: str) -> Page:
        """Connect all the way through, without a look at the result."""
        return self.come_back(self.allow(self.start(**fields), orgkey=orgkey, username=username))

    def was_told(self, code: str) -> None:
        """Keep what the callback gives a browser that it leads to this ending."""
        self.browser.cookies[ENDING_COOKIE] = told(code)

    def look(self, response: Page) -> Page:
        """Follow a redirect to what the person sees in the end."""
        while response.status_code == 302:
            response = self.browser.get(response.headers["Location"])
        return response


def told(code: str) -> str:
    """Return the cookie of a browser that was led to this ending."""
    return signing.dumps(code, salt=ENDING_COOKIE)


def words(response: HttpResponse | Page) -> str:
    """Return what a person reads on a page."""
    body = re.sub(r"(?s)<head>.*?</head>", " ", response.content.decode())
    body = re.sub(r"</?(?:strong|code|time|span|a)\b[^>]*>", "", body)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def query(url: str) -> dict[str, str]:
    """Return the parameters of an address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def callback_url(authorization_url: str, **parameters: str) -> str:
    """Return the callback of an attempt as Actionstep would make it, with these parameters."""
    sent = {"code": "canary-code", "state": query(authorization_url)["state"], **parameters}
    kept = {name: value for name, value in sent.items() if value}
    return f"{CALLBACK}?{httpx2.QueryParams(kept)}"


def attempt() -> AuthorizationRequest:
    """Return the one attempt there is."""
    return AuthorizationRequest.objects.get()


def pairs(url: str) -> list[tuple[str, str]]:
    """Return the parameters of an address in their order."""
    return parse_qsl(urlsplit(url).query)
