"""How this sandbox behaves: one frozen value, from the command line and the switches alike."""

from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields, replace
from typing import Any
from urllib.parse import urlsplit

from actionstep_connect.sandbox import rules
from actionstep_connect.sandbox.rules import Rule

LOOPBACK = frozenset({"127.0.0.1", "localhost"})
MAX_SECONDS = 10 * 365 * 86400
API_ENDPOINT_FORMS = ("slash", "bare", "rest")
HOOK_BODIES = ("jsonapi", "jsonapi_snake", "rest")


@dataclass(frozen=True, kw_only=True)
class Options:
    client_id: str = field(default="sandbox-client", metadata={"help": "the registered client"})
    client_secret: str = field(
        default="sandbox-secret", repr=False, metadata={"help": "its secret"}
    )
    redirect_uris: tuple[str, ...] = field(
        default=(),
        metadata={
            "flag": "--redirect-uri",
            "help": "a registered redirect URI, matched exactly; repeatable. "
            "Without any, every http:// address on 127.0.0.1 or localhost is accepted",
        },
    )
    access_token_lifetime: float = field(default=3600, metadata={"help": "seconds"})
    refresh_token_lifetime: float = field(default=21 * 86400, metadata={"help": "seconds"})
    code_lifetime: float = field(default=60, metadata={"help": "seconds"})
    grace: float = field(
        default=0,
        metadata={
            "help": "seconds in which a spent refresh token may be presented again "
            "and gets a fresh pair; 0: never"
        },
    )
    content_type: str = field(
        default="application/json", metadata={"help": "Content-Type of token responses"}
    )
    region_host: str = field(
        default="", metadata={"help": "host:port in api_endpoint; default: the sandbox's own"}
    )
    api_endpoint_form: str = field(
        default="slash",
        metadata={
            "help": "api_endpoint ends in /api/ (slash), /api (bare) or /api/rest (rest)",
            "choices": API_ENDPOINT_FORMS,
        },
    )
    expires_in_as_text: bool = field(
        default=False, metadata={"help": "send expires_in as a string"}
    )
    send_scope: bool = field(
        default=False, metadata={"help": "put a scope member into token responses"}
    )
    omit_orgkey_on_refresh: bool = field(
        default=False, metadata={"help": "leave orgkey out of refresh responses"}
    )
    default_scope: str = field(
        default="", metadata={"help": "scopes registered for the client, if a request names none"}
    )
    issuer: str = field(default="", metadata={"help": "send this as iss (RFC 9207) on callbacks"})
    broken_links: bool = field(
        default=False, metadata={"help": "give links in API answers a broken host"}
    )
    errors_as_list: bool = field(
        default=False, metadata={"help": "send a list of errors even where there is one"}
    )
    rate_limit: int = field(
        default=0,
        metadata={"help": "API requests a minute for one user session before 429; 0: no limit"},
    )
    organisation_rate_limit: int = field(
        default=0, metadata={"help": "the same for a whole organisation; 0: no limit"}
    )
    send_retry_after: bool = field(
        default=False, metadata={"help": "put Retry-After into a 429 of the rate limits"}
    )

    scan_seconds: float = field(
        default=0.0, metadata={"help": "how long an uploaded file is scanned before it can be used"}
    )

    hook_body: str = field(
        default="jsonapi",
        metadata={
            "help": "what hooks are sent: JSON:API 1.0 (jsonapi), the same with relationships in "
            "snake case (jsonapi_snake), or what a GET answers (rest)",
            "choices": HOOK_BODIES,
        },
    )
    hook_timeout: float = field(
        default=5.0, metadata={"help": "seconds in which a hook must answer 200"}
    )

    def __post_init__(self) -> None:
        for option in fields(self):
            value, choices = getattr(self, option.name), option.metadata.get("choices")
            _rule(option).check(option.name, value)
            if choices and value not in choices:
                raise ValueError(f"{option.name} must be one of {', '.join(choices)}.")
        if not self.client_id or not self.client_secret:
            raise ValueError("client_id and client_secret must not be empty.")

    def accepts_redirect_uri(self, uri: str) -> bool:
        """Match exactly what is registered; with nothing registered, any loopback address."""
        if self.redirect_uris:
            return uri in self.redirect_uris
        try:
            parts = urlsplit(uri)
            valid_port = parts.port is None or parts.port > 0
        except ValueError:
            return False
        return (
            parts.scheme == "http"
            and parts.hostname in LOOPBACK
            and valid_port
            and "@" not in parts.netloc
            and not parts.fragment
            and uri.isascii()
            and uri.isprintable()
        )

    def changed(self, changes: Mapping[str, object]) -> "Options":
        """Return these options with some replaced; raise ValueError naming what is wrong."""
        known = [option.name for option in fields(self)]
        converted: dict[str, Any] = {}
        for name, value in changes.items():
            if name not in known:
                raise ValueError(f"Unknown option {name!r}; known: {', '.join(known)}.")
            converted[name] = tuple(value) if isinstance(value, list) else value
        return replace(self, **converted)

    def public(self) -> dict[str, object]:
        """Return every option but the client secret."""
        return {
            option.name: getattr(self, option.name)
            for option in fields(self)
            if option.name != "client_secret"
        }


def add_arguments(parser: ArgumentParser) -> None:
    for option in fields(Options):
        flag = option.metadata.get("flag", "--" + option.name.replace("_", "-"))
        text = option.metadata["help"]
        if isinstance(option.default, bool):
            parser.add_argument(flag, dest=option.name, action="store_true", help=text)
        elif isinstance(option.default, tuple):
            parser.add_argument(
                flag, dest=option.name, action="append", default=[], metavar="URI", help=text
            )
        else:
            kind = str if isinstance(option.default, str) else type(option.default)
            kind = float if option.name.endswith("lifetime") or option.name == "grace" else kind
            shown = f" (default: {option.default})" if option.default not in ("", 0) else ""
            parser.add_argument(
                flag,
                dest=option.name,
                type=kind,
                default=option.default,
                choices=option.metadata.get("choices"),
                help=text + shown,
            )


def from_arguments(arguments: Namespace) -> Options:
    return Options().changed(
        {option.name: getattr(arguments, option.name) for option in fields(Options)}
    )


def _rule(option: Field[Any]) -> Rule:
    match option.default:
        case bool():
            return rules.FLAG
        case str():
            return rules.LINE
        case tuple():
            return rules.LINES
    is_rate = option.name.endswith("rate_limit")
    return rules.whole(0) if is_rate else rules.number(0, MAX_SECONDS)
