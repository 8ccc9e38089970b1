"""The hosts of the site."""

from django_hosts import host, patterns

host_patterns = patterns(
    "",
    host(r"www\.law\.example", "tests.support.hosted_site.www", name="www"),
    host(r"connect\.law\.example", "tests.support.hosted_site.connect", name="connect"),
)
