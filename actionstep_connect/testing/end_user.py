"""An end-user at the sandbox's two pages, in a browser of their own."""

import re
from typing import Literal

import httpx2

PASSWORD = "sandbox-password"  # noqa: S105 (printed on the sandbox's sign-in page)
CSRF_FIELD = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')


def authorize(
    url: str,
    *,
    username: str = "priya",
    orgkey: str = "acmelaw",
    decision: Literal["allow", "deny"] = "allow",
) -> str:
    """Answer what the pages ask, from `url` on; return the address at the site that they lead to.

    Raises ValueError if they lead nowhere. Nothing but the sandbox is visited.
    """
    answers: dict[str, dict[str, str]] = {
        "username": {"username": username, "password": PASSWORD},
        "orgkey": {"orgkey": orgkey},
        "decision": {"decision": decision},
    }
    # No certificates: they would take longer to load than the sandbox to answer.
    with httpx2.Client(trust_env=False, verify=False, timeout=10) as browser:
        page = browser.get(url)
        for question, fields in answers.items():
            if f'name="{question}"' in page.text:
                page = _submit(browser, url, page, fields)
    if page.status_code != httpx2.codes.FOUND:
        raise ValueError(
            f"The sandbox did not send {username} of {orgkey} back ({page.status_code}): {_words(page)}"
        )
    return str(page.headers["Location"])


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
