"""The two parties of every OAuth story: an end-user with a browser, and the application."""

import html
import re
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2

from actionstep_connect.testing.end_user import PASSWORD

CLIENT_ID = "sandbox-client"
CLIENT_SECRET = "sandbox-secret"

REDIRECT_URI = "http://127.0.0.1:9/callback"
MEDIA_TYPE = "application/vnd.api+json"

Parameters = dict[str, str]


class Visitor:
    """Fills in the pages' forms; goes where the pages send, but never off the sandbox."""

    def __init__(self, http: httpx2.Client) -> None:
        self.http = http
        self.page = httpx2.Response(200)
        self.url = ""

    def visit(self, **parameters: str) -> httpx2.Response:
        """Open the authorization page; a parameter of ``""`` is left out."""
        asked = {
            "response_type": "code",
            "client_id": CLIENT_ID,
            "redirect_uri": REDIRECT_URI,
            "scope": "users timerecords",
            "state": "a-state",
            **parameters,
        }
        query = urlencode({name: value for name, value in asked.items() if value})
        self.url = f"/api/oauth/authorize?{query}"
        self.page = self.http.get(self.url)
        return self.page

    def submit(self, **fields: str) -> httpx2.Response:
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', self.page.text)
        assert token, "this page has no form"
        fields["csrfmiddlewaretoken"] = token[1]
        self.page = self.http.post(self.url, data=fields)
        if self.page.status_code == 303:
            self.page = self.http.get(self.page.headers["Location"])
        return self.page

    def sign_in(self, username: str, password: str = PASSWORD) -> httpx2.Response:
        return self.submit(username=username, password=password)

    def authorize(self, username: str, orgkey: str = "", **parameters: str) -> Parameters:
        """Go all the way through both pages; return what the callback is given."""
        self.visit(**parameters)
        self.sign_in(username)
        if orgkey:
            self.submit(orgkey=orgkey)
        self.submit(decision="allow")
        return callback_parameters(self.page)

    @property
    def text(self) -> str:
        return html.unescape(re.sub(r"<[^>]+>", " ", self.page.text))


def callback_parameters(response: httpx2.Response) -> Parameters:
    """Return the parameters of a redirect to the application."""
    assert response.status_code == 302, response.text
    location = response.headers["Location"]
    assert location.startswith(REDIRECT_URI + "?"), location
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


class Application:
    """Speaks to the token endpoint and the API as a client would."""

    def __init__(self, http: httpx2.Client) -> None:
        self.http = http

    def token(self, **fields: str) -> httpx2.Response:
        """Post to the token endpoint; a field of ``""`` is left out."""
        body = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, **fields}
        return self.http.post(
            "/api/oauth/token", data={name: value for name, value in body.items() if value}
        )

    def exchange(self, code: str, **fields: str) -> httpx2.Response:
        body = {"grant_type": "authorization_code", "redirect_uri": REDIRECT_URI}
        return self.token(**{**body, "code": code, **fields})

    def refresh(self, refresh_token: str, **fields: str) -> httpx2.Response:
        return self.token(grant_type="refresh_token", refresh_token=refresh_token, **fields)

    def issued(self, user: str = "priya", scopes: str = "all", **more: str) -> dict[str, Any]:
        """Get tokens without a browser."""
        body = {"user": user, "scopes": scopes, **more}
        response = self.http.post("/sandbox/issue", json=body).raise_for_status()
        members: dict[str, Any] = response.json()
        return members

    def api(self, tokens: dict[str, Any], path: str, method: str = "GET", **more: Any) -> Any:
        """Call the API with the access token of a token response."""
        headers = {
            "Authorization": f"Bearer {tokens['access_token']}",
            "Accept": MEDIA_TYPE,
            **more.pop("headers", {}),
        }
        if "json" in more:
            headers.setdefault("Content-Type", MEDIA_TYPE)
        return self.http.request(method, f"/api/rest/{path}", headers=headers, **more)

    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = self.http.get("/sandbox/state").raise_for_status().json()
        return state


def rows(response: Any, resource: str) -> list[dict[str, Any]]:
    """Return the rows of an answer, whatever its shape."""
    assert response.status_code in (200, 204), response.text
    found = response.json()[resource] if response.content else []
    return found if isinstance(found, list) else [found]


def uploaded(
    application: Application,
    tokens: dict[str, Any],
    content: bytes = b"Dear Sir",
    name: str = "letter.txt",
) -> str:
    """Upload a small file; return what a document calls it."""
    path, files = "files?part_number=1&part_count=1", {"file": (name, content)}
    response = application.api(tokens, path, "POST", files=files)
    assert response.status_code == 200, response.text
    return f"{response.json()['files']['id']};{name}"
