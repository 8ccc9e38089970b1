"""What a person does in a real browser, and the pictures that are kept of it."""

from collections.abc import Callable
from typing import Literal

from playwright.sync_api import BrowserContext, Page

from actionstep_connect.testing.end_user import PASSWORD
from tests.support.person import Person

#: Takes a picture of a page under a name; the fixture `screenshot` gives it.
Screenshot = Callable[[Page, str], None]


def sign_in(
    context: BrowserContext,
    url: str,
    person: Person,
    *,
    same_site: Literal["Lax", "Strict"] = "Lax",
) -> None:
    """Set the session that `person` has at the site in the browser."""
    session = person.browser.cookies["sessionid"].value
    context.add_cookies(
        [
            {
                "name": "sessionid",
                "value": session,
                "url": url,
                "httpOnly": True,
                "sameSite": same_site,
            }
        ]
    )


def prefer(page: Page, scheme: Literal["light", "dark"]) -> None:
    """Change the colour scheme under an open page, and let no style or colour be on its way there."""
    page.wait_for_load_state()  # A heading may be seen before the style sheets are there.
    page.emulate_media(color_scheme=scheme)
    page.evaluate("document.getAnimations().forEach(each => each.finish())")


def press(page: Page, name: str) -> None:
    """Press the one button of this name."""
    page.get_by_role("button", name=name, exact=True).click()


def at_actionstep(page: Page, *, decision: str = "Allow", organisation: str = "Acme Law") -> None:
    """Go through both of the sandbox's pages as Priya."""
    page.get_by_label("User name").fill("priya")
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Sign in")
    page.get_by_role("button", name=organisation).click()
    press(page, decision)
