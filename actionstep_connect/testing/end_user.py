"""An end-user at the sandbox's two pages, in a browser of their own."""

import re
from typing import Literal

import httpx2

PASSWORD = "sandbox-password"  # noqa: S105 (printed on the sandbox's sign-in page)
CSRF_FIELD = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')
#: What page one offers, and what page two is about.
ORGANISATION = re.compile(r'(?:name="orgkey" value|data-orgkey)="([^"]+)"')


def authorize(
    url: str,
    *,
    username: str = "priya",
    orgkey: str | None = None,
    decision: Literal["allow", "deny"] = "allow",
) -> str:
    """Answer what the pages ask, from `url` on; return the address at the site that they lead to.

    Without `orgkey` it is the first that the sandbox offers. Raises ValueError if it does not
    offer the one named, or if the pages lead nowhere. Nothing but the sandbox is visited.
    """
    # No certificates: they would take longer to load than the sandbox to answer.
    with httpx2.Client(trust_env=False, verify=False, timeout=10) as browser:
        page = browser.get(url)
        if 'name="username"' in page.text:
            page = _submit(browser, url, page, {"username": username, "password": PASSWORD})
        chosen = _organisation(page, username, orgkey)
        if 'name="orgkey"' in page.text:
            page = _submit(browser, url, page, {"orgkey": chosen})
        if 'name="decision"' in page.text:
            page = _submit(browser, url, page, {"decision": decision})
    if page.status_code != httpx2.codes.FOUND:
        raise ValueError(
            f"The sandbox did not send {username} back ({page.status_code}): {_words(page)}"
        )
    return str(page.headers["Location"])


def _organisation(page: httpx2.Response, username: str, orgkey: str | None) -> str:
    offered: list[str] = ORGANISATION.findall(page.text)
    # A person who belongs to one is not asked, so it may silently be another one.
    if orgkey and offered and orgkey not in offered:
        raise ValueError(
            f"The sandbox offers {username} {' and '.join(offered)}, not {orgkey}: "
            "name an organisation that it offers, or none."
        )
    return orgkey or next(iter(offered), "")


def _submit(
    browser: httpx2.Client, url: str, page: httpx2.Response, fields: dict[str, str]
) -> httpx2.Response:
    token = CSRF_FIELD.search(page.text)
    answer = browser.post(url, data={**fields, "csrfmiddlewaretoken": token[1] if token else ""})
    if answer.status_code != httpx2.codes.SEE_OTHER:
        return answer
    return browser.get(httpx2.URL(url).join(answer.headers["Location"]))


def _words(page: httpx2.Response) -> str:
    main = page.text.partition("<main")[2] or page.text
    return " ".join(re.sub(r"<[^>]*>?", " ", f"<main{main}").split())[:300]
