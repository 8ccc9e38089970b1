"""Pages that a person sees for a moment, or only in some sites; and the two tags on a page of a site."""

from collections.abc import Iterator
from datetime import UTC, datetime

from django.conf import settings
from django.template import engines
from django.test import RequestFactory, override_settings
from playwright.sync_api import Page, Route, expect

from actionstep_connect.models import AuthorizationRequest
from tests.support.browser import press
from tests.support.connections import make_connection
from tests.support.person import Person

TAGS = (
    "{% load actionstep_connect %}<h1>A page of the site</h1>"
    "{% actionstep_connection_alert %}{% actionstep_connect_button %}"
    "{% actionstep_connect_button scopes='bills' %}"
)
ELSEWHERE = "https://app.law.example/actionstep/callback/"


def rare_pages(page: Page, url: str, person: Person) -> Iterator[str]:
    """Pass by each, and give its name. The person gets connections where a page needs them."""
    page.route("**/authorize?*", lambda route: route.fulfill(status=204))  # The browser stays.
    page.goto(f"{url}/actionstep/connect/")
    press(page, "Continue to Actionstep")
    expect(page.get_by_role("heading", level=1)).to_have_text("Continue to Actionstep")
    yield "leaving"
    AuthorizationRequest.objects.update(used_at=datetime.now(UTC))
    page.route("**/connect/?attempt=*", _without_refresh)
    page.goto(page.url)
    expect(page.get_by_role("heading", level=1)).to_have_text("Finishing your connection")
    yield "finishing"
    page.context.clear_cookies(name="actionstep_connect")
    page.goto(page.url)
    yield "cookie-missing"
    own = settings.ACTIONSTEP_CONNECT
    with override_settings(ACTIONSTEP_CONNECT={**own, "REDIRECT_URI": ELSEWHERE}):
        page.goto(f"{url}/actionstep/connect/?next=/here/")
        yield "elsewhere"
    for orgkey, status in (("taggedlaw", "connected"), ("brokentaggedlaw", "reconnect_required")):
        make_connection(person.user, orgkey=orgkey, status=status)
    request = RequestFactory().get("/")
    request.user = person.user
    page.goto(f"{url}/actionstep/")
    page.locator(".actionstep").evaluate(
        "(element, html) => { element.outerHTML = html }",
        engines["django"].from_string(TAGS).render({}, request),
    )
    yield "tags"


def _without_refresh(route: Route) -> None:
    # It would load itself again while it is looked at.
    response = route.fetch()
    kept = {name: value for name, value in response.headers.items() if name != "refresh"}
    route.fulfill(response=response, headers=kept)
