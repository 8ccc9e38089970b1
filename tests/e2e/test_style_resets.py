"""This package's pages on sites whose CSS first takes all style away: Tailwind CSS 3, Bootstrap 5."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from actionstep_connect.views.browser import ENDING_COOKIE
from tests.support.browser import Screenshot, prefer, sign_in
from tests.support.connections import make_connection
from tests.support.person import Person, told
from tests.support.rare_pages import rare_pages

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(300),  # On a machine that may be busy.
]

RESETS = Path(__file__).parents[1] / "support" / "resets"
STYLES = {
    "plain": "",
    "tailwind": (RESETS / "tailwind-3.4.17-preflight.css").read_text(),
    "bootstrap": (RESETS / "bootstrap-5.3.3-reboot.css").read_text(),
    "bare": "button, [type=button], [type=submit] { border: 0; padding: 0; background: none }",
}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
BUTTON = ".actionstep-button"
WORDS = ".actionstep-facts dt, .actionstep-small code"
#: Two of the four are looked at by people as well; the others are compared with themselves.
PICTURED = {("light", 375), ("dark", 1280)}
#: Puts a style first or last, and returns what buttons, words and links look like then.
LOOK = """([css, place, buttons, words, links]) => {
    document.querySelector("#reset")?.remove();
    if (css !== null) {
        const style = document.createElement("style");
        style.id = "reset";
        style.textContent = css;
        document.head[place](style);
    }
    const styles = selector => [...document.querySelectorAll(selector)].map(each => getComputedStyle(each));
    return {
        buttons: styles(buttons).map(style => [
            style.borderTopWidth, style.paddingLeft, style.backgroundColor, style.color,
            style.borderTopColor, style.fontWeight].join(" ")),
        ink: styles(words).map(style => `${style.color} ${style.fontWeight}`),
        lines: styles(links).map(style => style.textDecorationLine),
        titles: styles(".actionstep h1").map(style => parseFloat(style.fontSize)),
        headings: styles("h2").map(style => parseFloat(style.fontSize)),
        width: document.documentElement.scrollWidth,
    };
}"""


def test_buttons_and_links_stay_what_they_are_under_each_reset(
    page: Page, live_server: LiveServer, screenshot: Screenshot
) -> None:
    """So do links; border, padding and colours are as without it, whichever CSS comes first."""
    page.set_default_timeout(60_000)
    person = Person()
    good = make_connection(person.user)
    make_connection(
        person.user,
        orgkey="harbourlegal",
        refresh_token_expires_at=datetime.now(UTC) + timedelta(days=3),
    )
    make_connection(
        person.user, orgkey="former", status="disconnected", status_reason="ended_by_user"
    )
    make_connection(
        person.user, orgkey="refusedlaw", status="reconnect_required", status_reason="refused"
    )
    sign_in(page.context, live_server.url, person)
    code = "access_denied"
    page.context.add_cookies([{"name": ENDING_COOKIE, "value": told(code), "url": live_server.url}])

    def pages() -> Iterator[str]:
        for name, address in (
            ("connections", ""),
            ("connect", "connect/"),
            ("disconnect", f"disconnect/{good.pk}/"),
            ("failed", f"connect/?problem={code}"),
        ):
            page.goto(f"{live_server.url}/actionstep/{address}")
            yield name
        yield from rare_pages(page, live_server.url, person)

    for name in pages():
        for scheme, width in product(SCHEMES, (375, 1280)):
            prefer(page, scheme)
            page.set_viewport_size({"width": width, "height": 800})
            own = looks(page, None, "append")
            assert own["buttons"] or name == "finishing"
            for style, css in STYLES.items():
                for place in ("append", "prepend"):
                    case = (name, scheme, width, style, place)
                    found = looks(page, css, place)
                    assert found["buttons"] == own["buttons"], case
                    assert found["ink"] == own["ink"], case
                    assert set(found["lines"]) <= {"underline"}, case
                    assert all(size > max([16, *found["headings"]]) for size in found["titles"]), (
                        case
                    )
                    assert found["width"] <= width, case
                if (scheme, width) in PICTURED:
                    screenshot(page, f"reset-{style}-{name}-{scheme}-{width}")


def looks(page: Page, css: str | None, place: str) -> dict[str, Any]:
    """Return what is seen of a page with this style in this place."""
    links = f":is(.actionstep, .actionstep-connected) a:not({BUTTON})"
    found: dict[str, Any] = page.evaluate(LOOK, [css, place, BUTTON, WORDS, links])
    return found
