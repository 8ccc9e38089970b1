"""Addresses of this package's pages: relative for a page of the site, absolute for an e-mail."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from urllib.parse import urlsplit

from django.apps import apps
from django.contrib.sites.shortcuts import get_current_site
from django.core.exceptions import ImproperlyConfigured, ObjectDoesNotExist
from django.http import HttpRequest, QueryDict
from django.shortcuts import resolve_url
from django.urls import (
    NoReverseMatch,
    URLResolver,
    get_resolver,
    get_script_prefix,
    get_urlconf,
    reverse,
)
from django.urls.resolvers import RegexPattern, RoutePattern
from django.utils.functional import Promise

from actionstep_connect.conf import get_config
from actionstep_connect.environments import is_secure_url
from actionstep_connect.scopes import Scopes, format_scope, unique_scopes

#: Of this package's URLs, wherever they are included.
NAMESPACE = "actionstep_connect"
SITES_APP = "django.contrib.sites"
#: What django.contrib.sites calls a site that has not been named.
PLACEHOLDER = "example.com"
#: The width of `AuthorizationRequest.next`, in characters as a browser sends them.
MAX_NEXT = 2000

#: A path that stands in a URL as it is.
_UNQUOTED = re.compile(r"/?(?!/)[\w.~/-]*", re.ASCII)

_Way = tuple[URLResolver, ...]


def connect_url(
    *,
    scopes: Scopes | None = None,
    next_url: str = "",
    orgkey: str | None = None,
    problem: str = "",
) -> str:
    """Return the address of the page that says what will be asked, or how the last attempt ended."""
    return page_url(
        "connect",
        problem=problem,
        scopes=format_scope(unique_scopes(scopes or ())),
        next=next_url,
        orgkey=orgkey or "",
    )


def next_for(request: HttpRequest, url: str) -> str:
    """Return `url`, a page of this host to come back to, as the connect page takes it.

    It is absolute where that page is at another host. It is nothing if it is longer than that page
    takes, because the redirect there could be longer than Django allows.
    """
    if url and urlsplit(page_url("connect")).netloc not in ("", request.get_host()):
        url = request.build_absolute_uri(url)
    return url if len(url) <= MAX_NEXT else ""


def page_url(name: str, *args: object, **parameters: str) -> str:
    """Return the address of the page called `name`, with those of `parameters` that say something.

    It is a path. It is absolute where the URLconf in force does not include this package's URLs and
    REDIRECT_URI says where they are. Raises NoReverseMatch where nothing says so.
    """
    return _with_query(_page_address(name, args), parameters)


def registered_url(name: str, **parameters: str) -> str:
    """Return the absolute address of the page called `name` at REDIRECT_URI's host, which must be set."""
    return _with_query(_registered_address(name, ()), parameters)


def absolute_url(url: str) -> str:
    """Return `url`, an address of `page_url`, as it must stand where there is no request.

    Raises ImproperlyConfigured, saying what is missing.
    """
    return url if urlsplit(url).netloc else f"{site_url()}{url}"


def landing_url() -> str:
    """Return where a user ends who came from nowhere: POST_CONNECT_URL."""
    url = get_config().post_connect_url
    name = url.removeprefix(f"{NAMESPACE}:")
    return resolve_url(url) if name == url else page_url(name)


def site_url() -> str:
    """Return what stands before each path of the site, for where there is no request.

    It is REDIRECT_URI without the callback's path, because that is the address registered with
    Actionstep; else the current site's of django.contrib.sites, over https outside loopback.

    Raises ImproperlyConfigured, saying what is missing.
    """
    redirect_uri = get_config().redirect_uri
    if redirect_uri is None:
        return current_site_url()
    # A worker does not know where the site is mounted; the URI does.
    for callback in included_paths("callback"):
        if redirect_uri.endswith(callback):
            return redirect_uri.removesuffix(callback)
    parts = urlsplit(redirect_uri)
    return f"{parts.scheme}://{parts.netloc}"


def included_paths(name: str) -> Iterator[str]:
    """Yield the path of the page called `name`, for each time that the URLs are included."""
    ways = list(_ways(get_resolver(get_urlconf())))
    found = list(map(_namespace_of, ways))
    for way, namespace in zip(ways, found, strict=True):
        path = _fixed_path(way, name) if found.count(namespace) == 1 else ""
        with suppress(NoReverseMatch):
            yield path or reverse(f"{namespace}:{name}")


def namespaces() -> Iterator[str]:
    """Yield the namespaces of the URLconf in force that have this package's URLs.

    Nothing but `actionstep_connect` where they are included as the documentation says.
    """
    yield from map(_namespace_of, _ways(get_resolver(get_urlconf())))


def are_translated() -> bool:
    """Return whether this package's URLs may be at other paths in other languages."""
    ways = _ways(get_resolver(get_urlconf()))
    return not all(_is_fixed(each.pattern) for way in ways for each in way)


def _ways(resolver: URLResolver, before: _Way = ()) -> Iterator[_Way]:
    """Yield what leads from `resolver` to each inclusion of this package's URLs, which comes last."""
    for each in resolver.url_patterns:
        if isinstance(each, URLResolver):
            way = (*before, each)
            if each.app_name == NAMESPACE:
                yield way
            yield from _ways(each, way)


def _namespace_of(way: _Way) -> str:
    return ":".join(each.namespace for each in way if each.namespace)


def _fixed_path(way: _Way, name: str) -> str:
    """Return what `reverse` returns for the page at the end of `way`; nothing unless `way` is all text.

    `reverse` first makes a table of all URLs of the site, for which `manage.py check` would wait.
    """
    pages = [each for each in way[-1].url_patterns if getattr(each, "name", None) == name]
    patterns = [each.pattern for each in (*way, *pages)]
    is_text = all(isinstance(each, RoutePattern) and not each.converters for each in patterns)
    if len(pages) != 1 or not is_text:
        return ""
    path = "".join([get_script_prefix(), *map(str, patterns)])
    return path if all(map(_is_fixed, patterns)) and _UNQUOTED.fullmatch(path) else ""


def _is_fixed(pattern: object) -> bool:
    # A path or regular expression of Django's own, and not a lazily translated one.
    is_lazy = any(isinstance(value, Promise) for value in vars(pattern).values())
    return type(pattern) in {RegexPattern, RoutePattern} and not is_lazy


def _with_query(url: str, parameters: Mapping[str, str]) -> str:
    query = QueryDict(mutable=True)
    query.update({key: value for key, value in parameters.items() if value})
    return f"{url}?{query.urlencode(safe='/')}" if query else url


def _page_address(name: str, args: Sequence[object]) -> str:
    try:
        return reverse(f"{NAMESPACE}:{name}", args=args)
    except NoReverseMatch:
        for namespace in namespaces():
            with suppress(NoReverseMatch):
                return reverse(f"{namespace}:{name}", args=args)
        if not (get_config().redirect_uri or "").endswith("/callback/"):
            raise
    # The URLs of another host, perhaps.
    return _registered_address(name, args)


def _registered_address(name: str, args: Sequence[object]) -> str:
    root = (get_config().redirect_uri or "").removesuffix("callback/")
    path = reverse(name, args=args, urlconf="actionstep_connect.urls")
    return root + path.removeprefix(get_script_prefix())


def current_site_url() -> str:
    """Return where django.contrib.sites says that this site is. Raises ImproperlyConfigured."""
    if not apps.is_installed(SITES_APP):
        raise ImproperlyConfigured(
            "The site's own address is not known: set REDIRECT_URI, or install django.contrib.sites."
        )
    try:
        domain = get_current_site(None).domain
    except ObjectDoesNotExist as error:
        raise ImproperlyConfigured(
            "No site of django.contrib.sites has the id SITE_ID: set REDIRECT_URI, or correct it."
        ) from error
    if domain == PLACEHOLDER:
        raise ImproperlyConfigured(
            f"The current site is still called {PLACEHOLDER}: set REDIRECT_URI, or name the site in "
            "the admin."
        )
    plain = f"http://{domain}"
    return plain if is_secure_url(plain) else f"https://{domain}"
