"""The example site's time records, in a real Chromium without scripts."""

from collections.abc import Generator
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from actionstep_connect.testing import Sandbox
from example_project.views import ROWS
from tests.support.browser import Screenshot, at_actionstep, press, sign_in
from tests.support.person import Person

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def person(transactional_db: None) -> Person:
    """Return a user of the site."""
    return Person()


@pytest.fixture
def page(
    browser: Browser, sandbox: Sandbox, example_site: None, live_server: LiveServer, person: Person
) -> Generator[Page]:
    """Open a tab in which this user, connected as Priya of Acme Law, is signed in."""
    sandbox.connect(person.user)
    with browser.new_context(base_url=live_server.url, java_script_enabled=False) as context:
        context.set_default_timeout(15_000)
        sign_in(context, live_server.url, person)
        yield context.new_page()


def rows(page: Page) -> list[list[str]]:
    """Return the cells of the table's rows."""
    body = page.get_by_role("table").locator("tbody tr").all()
    return [row.get_by_role("cell").all_inner_texts() for row in body]


def fill_in(page: Page, *, description: str) -> None:
    """Write a time record into the form."""
    page.get_by_label("Date").fill("2026-11-02")
    page.get_by_label("Hours").fill("1.5")
    page.get_by_label("Matter").select_option(index=1)
    page.get_by_label("Description").fill(description)


def test_time_records_are_narrowed_down_by_words_and_dates(
    page: Page, screenshot: Screenshot
) -> None:
    """The filter reaches Actionstep, stays in the form, and says what makes no sense."""
    page.goto("/time-records/")
    assert len(rows(page)) == ROWS
    page.get_by_label("Description contains").fill("affidavit")
    page.get_by_label("From").fill("2026-08-01")
    page.get_by_label("To").fill("2026-10-15")
    press(page, "Show")
    screenshot(page, "time-records-1-filtered")
    found = rows(page)
    assert 0 < len(found) < ROWS
    assert all("2026-08-01" <= day <= "2026-10-15" for _, day, *_ in found)
    assert all("affidavit" in description for _, _, _, description, _ in found)
    expect(page.get_by_label("Description contains")).to_have_value("affidavit")
    page.get_by_label("To").fill("2026-07-01")
    press(page, "Show")
    expect(page.get_by_text("This is before the first day.")).to_be_visible()
    page.get_by_label("To").fill("")
    page.get_by_label("Description contains").fill("nothing like this")
    press(page, "Show")
    assert rows(page) == [["None fits."]]
    page.get_by_role("link", name="Show all").click()
    assert len(rows(page)) == ROWS


def test_time_is_recorded_and_logged_against_that_very_user(
    page: Page, sandbox: Sandbox, screenshot: Screenshot
) -> None:
    """A mistake is said and loses nothing; then the record is there once, and in Priya's name."""
    page.goto("/time-records/")
    page.get_by_role("link", name="Record time").click()
    fill_in(page, description="   ")
    press(page, "Record")
    expect(page.get_by_text("This field is required.")).to_be_visible()
    expect(page.get_by_label("Hours")).to_have_value("1.5")
    screenshot(page, "time-records-2-refused")
    fill_in(page, description="Settling the statement of claim")
    press(page, "Record")
    expect(page.get_by_role("status")).to_have_text("1.5 hours are recorded.")
    screenshot(page, "time-records-3-recorded")
    page.reload()
    mine = [row for row in rows(page) if row[3] == "Settling the statement of claim"]
    assert [(row[1], row[4]) for row in mine] == [("2026-11-02", "1.50")]
    written = [entry for entry in sandbox.activity() if entry.method == "POST"]
    assert [entry.user for entry in written if entry.resource == "timerecords"] == ["priya"]
    page.get_by_role("link", name="see in the sandbox").click()
    logged = page.get_by_role("row").filter(has_text="POST timerecords")
    expect(logged).to_contain_text("priya")
    expect(logged).to_contain_text("acmelaw")
    screenshot(page, "time-records-4-console")


def test_what_the_user_may_not_do_is_said_and_nothing_typed_is_lost(
    page: Page, sandbox: Sandbox, person: Person, live_server: LiveServer
) -> None:
    """Elena may read and not write: Actionstep's refusal is shown above what she typed."""
    elena = User.objects.create(username="elena")
    sandbox.connect(elena, username="elena", orgkey="harbourlegal")
    person.sign_in_as(elena)
    sign_in(page.context, live_server.url, person)
    page.goto("/time-records/new/")
    fill_in(page, description="Not hers to write")
    press(page, "Record")
    expect(page.get_by_text("Your Actionstep account may not record this time.")).to_be_visible()
    expect(page.get_by_label("Description")).to_have_value("Not hers to write")


def test_a_lost_answer_is_not_taken_for_a_failure(page: Page, sandbox: Sandbox) -> None:
    """When no one knows whether it was recorded, the page says so, and it is sent only once."""
    page.goto("/time-records/new/")
    fill_in(page, description="Did it arrive?")
    sandbox.fail("api", "drop_after", resource="timerecords")
    press(page, "Record")
    expect(page.get_by_text("Look whether it was recorded")).to_be_visible()
    page.goto("/time-records/?text=arrive")
    assert len(rows(page)) == 1


def test_a_connection_that_ends_under_a_page_leads_back_to_it(page: Page, sandbox: Sandbox) -> None:
    """Actionstep ended it without a word: the page asks to reconnect, and then there it is."""
    page.goto("/time-records/")
    sandbox.revoke("priya")
    sandbox.advance(timedelta(hours=2))
    page.goto("/time-records/?text=affidavit")
    expect(page.get_by_role("heading", level=1)).to_have_text("Reconnect acmelaw")
    press(page, "Continue to Actionstep")
    at_actionstep(page)
    expect(page.get_by_label("Description contains")).to_have_value("affidavit")
    assert rows(page)


def test_file_notes_ask_for_their_scope_when_they_are_wanted(
    page: Page, person: Person, screenshot: Screenshot
) -> None:
    """One scope more is asked for, what was granted stays, and the user comes back to the page."""
    page.goto("/time-records/")
    matter = page.get_by_role("table").get_by_role("link").first
    name = matter.inner_text()
    matter.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(
        "Give this site more access to acmelaw"
    )
    screenshot(page, "time-records-5-one-scope-more")
    press(page, "Continue to Actionstep")
    at_actionstep(page)
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    screenshot(page, "time-records-6-file-notes")
    connection = person.user.actionstep_connections.get()
    assert set(connection.granted_scopes) == {"actions", "filenotes", "participants", "timerecords"}
    page.get_by_role("link", name="Record time").click()
    expect(page.get_by_label("Matter")).to_be_visible()
