"""Which hosts may be sent a token."""

import pytest

from actionstep_connect.environments import (
    KNOWN_ENDPOINTS,
    MAX_URL,
    is_host_pattern,
    is_secure_endpoint,
    is_secure_url,
    trusted_api_endpoint,
)
from actionstep_connect.exceptions import UntrustedHost

PRODUCTION = KNOWN_ENDPOINTS["production"].api_hosts
SANDBOX = ("127.0.0.1:8801",)


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        (
            "https://ap-southeast-2.actionstep.com/api/",
            "https://ap-southeast-2.actionstep.com/api/",
        ),
        ("https://ap-southeast-2.actionstep.com/api", "https://ap-southeast-2.actionstep.com/api/"),
        ("https://us-west-2.actionstep.com/api/rest", "https://us-west-2.actionstep.com/api/"),
        ("https://us-west-2.actionstep.com/api/rest/", "https://us-west-2.actionstep.com/api/"),
        ("HTTPS://EU.Actionstep.Com/api/", "https://eu.actionstep.com/api/"),
        ("https://eu.actionstep.com:443/api/", "https://eu.actionstep.com/api/"),
    ],
)
def test_an_api_endpoint_has_one_form(sent: str, stored: str) -> None:
    """However Actionstep spells its endpoint, one spelling is kept."""
    assert trusted_api_endpoint(sent, PRODUCTION) == stored


@pytest.mark.parametrize(
    "hostile",
    [
        "https://actionstep.com.evil.tld/api/",
        "https://evil-actionstep.com/api/",
        "https://evilactionstep.com/api/",
        "https://actionstep.com/api/",
        "https://evil.tld/api/",
        "https://evil.tld#.actionstep.com",
        "https://evil.tld#.actionstep.com/api/",
        "https://evil.tld?.actionstep.com/api/",
        "https://evil.tld/.actionstep.com/api/",
        r"https://evil.tld\.actionstep.com/api/",
        r"https://evil.tld\@eu.actionstep.com/api/",
        "https://x@evil",
        "https://x@eu.actionstep.com/api/",
        "https://eu.actionstep.com@evil.tld/api/",
        "https://eu.actionstep.com:x@evil.tld/api/",
        "https://:@eu.actionstep.com/api/",
        "https://169.254.169.254",
        "https://169.254.169.254/api/",
        "https://2852039166/api/",
        "https://0xa9fea9fe/api/",
        "https://[::1]",
        "https://[::1]/api/",
        "https://[::ffff:169.254.169.254]/api/",
        "https://127.0.0.1/api/",
        "https://localhost/api/",
        "https://eu.actionstep.com./api/",
        "https://eu\u3002actionstep\u3002com/api/",
        "https://eu\uff0eactionstep\uff0ecom/api/",
        "https://eu.actionstep.com\u3002evil.tld/api/",
        "https://evil.tld\u2044.actionstep.com/api/",
        "https://eu.act\u0130onstep.com/api/",
        "https://\uff45\uff55.actionstep.com/api/",
        "https://xn--.actionstep.com.evil.tld/api/",
        "https://-.actionstep.com/api/",
        "https://.actionstep.com/api/",
        "https://..actionstep.com/api/",
        "https://*.actionstep.com/api/",
        "https://eu_1.actionstep.com/api/",
        "https://eu.actionstep.com:8443/api/",
        "https://eu.actionstep.com:0443/api/",
        "https://eu.actionstep.com:/api/",
        "https://eu.actionstep.com:443:443/api/",
        "https://eu.actionstep.com:99999/api/",
        "http://eu.actionstep.com/api/",
        "http://eu.actionstep.com:443/api/",
        "ftp://eu.actionstep.com/api/",
        "javascript://eu.actionstep.com/api/",
        "//eu.actionstep.com/api/",
        "https:/eu.actionstep.com/api/",
        "https:///eu.actionstep.com/api/",
        "https:eu.actionstep.com/api/",
        "eu.actionstep.com/api/",
        "https://eu.actionstep.com/api/../../evil",
        "https://eu.actionstep.com/api/./",
        "https://eu.actionstep.com//evil.tld/",
        "https://eu.actionstep.com/api//",
        "https://eu.actionstep.com/api/%2e%2e/",
        "https://eu.actionstep.com/api/%2f%2fevil.tld",
        "https://eu.actionstep.com/api/;x",
        "https://eu.actionstep.com/api/?next=1",
        "https://eu.actionstep.com/api/#x",
        "https://eu.actionstep.com/api/@evil.tld",
        "https://eu.actionstep.com/api/\n",
        "https://eu.actionstep.com\n.evil.tld/api/",
        "https://eu.actionstep.com\r\nHost: evil.tld/api/",
        "https://eu.actionstep.com\t/api/",
        "https://eu.actionstep.com\0.evil.tld/api/",
        "https://eu.actionstep.com /api/",
        " https://eu.actionstep.com/api/",
        "https://" + "a" * 64 + ".actionstep.com/api/",
        "https://" + "a." * 300 + "actionstep.com/api/",
        "https://eu.actionstep.com/" + "a" * 10_000,
        "",
        "https://",
    ],
)
def test_s40_an_untrusted_api_endpoint_is_refused(hostile: str) -> None:
    """Nothing but plain https to a host under Actionstep's own domain may be sent a token."""
    with pytest.raises(UntrustedHost) as caught:
        trusted_api_endpoint(hostile, PRODUCTION)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("length", [498, 499, 500, 501])
@pytest.mark.parametrize("end", ["", "/"])
def test_s40_a_trusted_endpoint_fits_its_column_and_stays_trusted(length: int, end: str) -> None:
    """However long it comes, its normal form is stored whole, and trusted again when it is used."""
    beginning = "https://eu.actionstep.com/"
    endpoint = beginning + "a" * (length - len(beginning) - len(end)) + end
    try:
        trusted = trusted_api_endpoint(endpoint, PRODUCTION)
    except UntrustedHost:
        return
    assert len(trusted) <= 500
    assert trusted_api_endpoint(trusted, PRODUCTION) == trusted


def test_s40_a_letter_that_only_becomes_ascii_is_refused() -> None:
    """The Kelvin sign is a `k` in lower case, and still not the host that API_HOSTS names."""
    with pytest.raises(UntrustedHost):
        trusted_api_endpoint("https://x.\u212aiwi.example/api/", ("*.kiwi.example",))
    assert not is_secure_url("https://\u212aiwi.example/")


def test_s40_one_environment_does_not_trust_the_other() -> None:
    """A production connection is never sent to staging, nor the other way round."""
    with pytest.raises(UntrustedHost):
        trusted_api_endpoint("https://eu.actionstepstaging.com/api/", PRODUCTION)
    with pytest.raises(UntrustedHost):
        trusted_api_endpoint("https://eu.actionstep.com/api/", KNOWN_ENDPOINTS["staging"].api_hosts)


def test_s40_http_goes_to_loopback_by_its_port_only() -> None:
    """The sandbox is trusted at exactly the port that API_HOSTS names."""
    assert (
        trusted_api_endpoint("http://127.0.0.1:8801/api/", SANDBOX) == "http://127.0.0.1:8801/api/"
    )
    for other in (
        "http://127.0.0.1:8802/api/",
        "http://127.0.0.1/api/",
        "http://localhost:8801/api/",
        "http://127.0.0.2:8801/api/",
        "http://127.1:8801/api/",
        "http://[::1]:8801/api/",
    ):
        with pytest.raises(UntrustedHost):
            trusted_api_endpoint(other, SANDBOX)


def test_s40_http_elsewhere_is_refused_though_it_is_listed() -> None:
    """Not even API_HOSTS makes plain http to another machine right."""
    with pytest.raises(UntrustedHost):
        trusted_api_endpoint("http://sandbox.example:8801/api/", ("sandbox.example:8801",))


def test_a_host_without_wildcard_is_that_host_only() -> None:
    """`eu.actionstep.com` in API_HOSTS trusts no host below it."""
    only = ("eu.actionstep.com",)
    assert trusted_api_endpoint("https://eu.actionstep.com/api/", only)
    with pytest.raises(UntrustedHost):
        trusted_api_endpoint("https://x.eu.actionstep.com/api/", only)


@pytest.mark.parametrize(
    "pattern",
    ["*.actionstep.com", "eu.actionstep.com", "127.0.0.1:8801", "localhost:80", "[::1]:8801"],
)
def test_a_host_pattern(pattern: str) -> None:
    """A host, a host with its port, or everything under a domain."""
    assert is_host_pattern(pattern)


@pytest.mark.parametrize(
    "pattern",
    ["*", "*.com", "*.", "**.actionstep.com", "*actionstep.com", "a.*.com",
     "https://a.com", "a.com/", "a.com:0",
     "a.com:", "a.com.", "", " a.com", "A.com", "a_b.com", "[::2]", "*.127.0.0.1",
     "*.actionstep.com:8443"],
)  # fmt: skip
def test_no_host_pattern(pattern: str) -> None:
    """Nothing that trusts more than a site can mean."""
    assert not is_host_pattern(pattern)


@pytest.mark.parametrize(
    ("url", "is_secure"),
    [
        ("https://go.actionstep.com/api/oauth/authorize", True),
        ("https://site.example/actionstep/callback/", True),
        ("http://127.0.0.1:8801/api/oauth/token", True),
        ("http://localhost:8801/", True),
        ("http://[::1]:8801/", True),
        ("http://go.actionstep.com/api/oauth/token", False),
        ("http://127.0.0.1.evil.tld/", False),
        ("http://localhost.evil.tld/", False),
        ("http://127.0.0.1@evil.tld/", False),
        ("https://user@go.actionstep.com/", False),
        ("https://go.actionstep.com/?a=b", False),
        ("https://site.example/a/../callback/", False),
        ("https://site.example/./callback/", False),
        ("https://site.example/..", False),
        ("https://site.example/%2E%2e/callback/", False),
        ("https://site.example/.%2e/callback/", False),
        ("https://site.example/100%/callback/", False),
        ("https://site.example//callback/", False),
        ("https://site.example/callback/\n", False),
        ("//go.actionstep.com/", False),
        ("javascript:alert(1)", False),
        ("", False),
    ],
)
def test_s17_secure_is_https_or_this_machine(url: str, *, is_secure: bool) -> None:
    """Plain http is for loopback, and nothing that only looks like it."""
    assert is_secure_url(url) is is_secure
    assert is_secure_endpoint(url) is is_secure


@pytest.mark.parametrize("path", ["portal.v2", "...", ".well-known", "~firm", "b%C3%BCro", "a..b"])
def test_s40_only_a_sites_own_address_may_have_dots_and_encodings(path: str) -> None:
    """A site is mounted where it likes; an endpoint that is sent secrets is plain."""
    assert is_secure_url(f"https://site.example/{path}/callback/")
    assert not is_secure_endpoint(f"https://site.example/{path}/token")


@pytest.mark.parametrize(
    "host", ["a.example.com", "z.example.com", "m.example.co", "m.example.como"]
)
def test_s40_a_host_is_trusted_as_it_is_named(host: str) -> None:
    """No host before or after a named one in the alphabet passes for it."""
    with pytest.raises(UntrustedHost):
        trusted_api_endpoint(f"https://{host}/api/", ["m.example.com"])
    assert trusted_api_endpoint("https://m.example.com/api/", ["m.example.com"])


def test_s40_a_host_may_be_named_with_its_port() -> None:
    """https at another port is trusted where API_HOSTS names that port."""
    sent = "https://api.example.com:8443/api/"
    assert trusted_api_endpoint(sent, ["api.example.com:8443"]) == sent


def test_an_address_may_have_500_characters() -> None:
    """So many fit its column; one more is refused."""
    longest = "https://example.com/".ljust(MAX_URL, "x")
    assert len(longest) == 500
    assert is_secure_url(longest)
    assert not is_secure_url(longest + "x")


def test_a_refused_endpoint_is_named_in_part() -> None:
    """The message has the first hundred characters, whatever came."""
    sent = "https://elsewhere.example/".ljust(200, "x")
    with pytest.raises(UntrustedHost) as caught:
        trusted_api_endpoint(sent, ["api.example.com"])
    assert repr(sent[:100]) in str(caught.value)
