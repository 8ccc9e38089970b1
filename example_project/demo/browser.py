"""A browser as small as the smoke story needs: links, forms, cookies, and loopback only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from types import TracebackType
from typing import Self
from urllib.parse import urljoin, urlsplit

import httpx2

MAX_REDIRECTS = 10
TIMEOUT_SECONDS = 10
LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")


class BrowserError(Exception):
    """The page cannot be reached, or is not what a person would expect."""


@dataclass
class Form:
    """One form of a page, with the values it would send as it stands."""

    action: str
    method: str
    values: dict[str, list[str]] = field(default_factory=dict)
    choices: dict[str, list[str]] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)

    def has(self, *names: str) -> bool:
        """Return whether the form has a field or button of each name."""
        known = {*self.values, *self.choices, *(name for name, _ in self.buttons)}
        return set(names) <= known


class _PageParser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.text: list[str] = []
        self.rows: list[list[str]] = []
        self._in_cell = False
        self._form: Form | None = None
        self._select = ""
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in ("script", "style"):
            self._silent += 1
        elif tag == "tr":
            self.rows.append([])
        elif tag == "td":
            self._in_cell = True
            self.rows[-1].append("")
        elif tag == "form":
            self._form = Form(given.get("action", ""), given.get("method", "get").lower())
            self.forms.append(self._form)
        elif self._form is not None:
            self._handle_control(self._form, tag, given)

    def _handle_control(self, form: Form, tag: str, given: dict[str, str]) -> None:
        name, value, kind = given.get("name", ""), given.get("value", ""), given.get("type", "")
        if tag == "select":
            self._select = name
            form.choices.setdefault(name, [])
        elif tag == "option" and self._select:
            form.choices[self._select].append(value)
            if "selected" in given:
                form.values.setdefault(self._select, []).append(value)
        elif tag == "button" or (tag == "input" and kind == "submit"):
            if kind in ("", "submit"):
                form.buttons.append((name, value))
        elif tag == "input" and name and kind in ("radio", "checkbox"):
            form.choices.setdefault(name, []).append(value or "on")
            if "checked" in given:
                form.values.setdefault(name, []).append(value or "on")
        elif tag in ("input", "textarea") and name:
            form.values[name] = [value]

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "select":
            self._select = ""
        elif tag == "td":
            self._in_cell = False
        elif tag in ("script", "style"):
            self._silent -= 1

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.text.append(data)
            if self._in_cell:
                self.rows[-1][-1] += data


@dataclass(frozen=True)
class Page:
    """A page as it was answered."""

    url: str
    forms: tuple[Form, ...] = ()
    text: str = ""
    rows: tuple[tuple[str, ...], ...] = ()
    """The rows of data in its tables."""

    def form(self, *names: str, action: str = "") -> Form:
        """Return the first form with these fields whose address contains ``action``."""
        for form in self.forms:
            if form.has(*names) and action in self.address_of(form):
                return form
        wanted = ", ".join(names) or action
        raise BrowserError(f"no form with {wanted} at {_without_query(self.url)}: {self.excerpt}")

    def address_of(self, form: Form) -> str:
        """Return where a form is sent: to the page itself if it does not say."""
        return urljoin(self.url, form.action or self.url)

    @property
    def excerpt(self) -> str:
        """The beginning of what a person reads there."""
        return self.text[:300]


class Browser:
    """Walk from page to page as one person would."""

    def __init__(self) -> None:
        self._client = httpx2.Client(timeout=TIMEOUT_SECONDS, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._client.close()

    def get(self, url: str) -> Page:
        """Open an address."""
        return self._open("GET", url, None)

    def submit(self, page: Page, form: Form, values: Mapping[str, str] | None = None) -> Page:
        """Send a form of ``page``, with ``values`` typed or chosen."""
        data = {**form.values, **{name: [value] for name, value in (values or {}).items()}}
        url = page.address_of(form)
        if form.method == "post":
            return self._open("POST", url, data)
        return self._open("GET", str(httpx2.URL(url, params=data)), None)

    def _open(self, method: str, url: str, data: Mapping[str, list[str]] | None) -> Page:
        for _ in range(MAX_REDIRECTS):
            if urlsplit(url).hostname not in LOOPBACK_HOSTS:
                raise BrowserError(f"refused to leave this machine for {_without_query(url)}")
            try:
                response = self._client.request(method, url, data=data)
            except httpx2.TransportError as error:
                raise BrowserError(f"no answer from {_without_query(url)}: {error!r}") from error
            if not response.is_redirect:
                return _page(response)
            method, url, data = "GET", urljoin(url, response.headers["location"]), None
        raise BrowserError(f"too many redirects, the last to {_without_query(url)}")


def _page(response: httpx2.Response) -> Page:
    url = str(response.url)
    parser = _PageParser()
    parser.feed(response.text)
    text = " ".join(" ".join(parser.text).split())
    if response.status_code >= httpx2.codes.BAD_REQUEST:
        raise BrowserError(f"{response.status_code} at {_without_query(url)}: {text[:300]}")
    rows = tuple(tuple(cell.strip() for cell in row) for row in parser.rows if row)
    return Page(url, tuple(parser.forms), text, rows)


def _without_query(url: str) -> str:
    """Leave out what may be a code or a state."""
    return url.partition("?")[0]
