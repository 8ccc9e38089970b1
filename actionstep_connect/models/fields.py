"""Columns with a meaning of their own."""

from collections.abc import Iterable
from datetime import UTC, datetime, timezone
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar
from uuid import UUID

from django.core.exceptions import FieldError
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import Combinable
from django.utils.timezone import get_default_timezone, is_naive, make_aware

from actionstep_connect.conf import uses_time_zones
from actionstep_connect.scopes import format_scope, parse_scope, unique_scopes

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    # At run time Django's fields are not generic (django-stubs makes them so).
    _ScopesBase = models.TextField[Iterable[str], list[str]]
    _SealedBase = models.TextField[str, str]
    _LookupBase = models.Lookup[str]
    _OrgkeyBase = models.CharField[str, str]
else:
    _ScopesBase = models.TextField
    _SealedBase = models.TextField
    _LookupBase = models.Lookup
    _OrgkeyBase = models.CharField


class OrgkeyField(_OrgkeyBase):
    """An organisation's key, equal to itself alone on every database.

    MySQL's usual collations take letters of other alphabets, and other accents, for one and the same.
    """

    def db_parameters(self, connection: BaseDatabaseWrapper) -> dict[str, Any]:
        parameters = super().db_parameters(connection)
        if connection.vendor == "mysql":
            parameters["collation"] = "utf8mb4_bin"
        return parameters


class ScopesField(_ScopesBase):
    """A list of scope names, stored as ` name name ` so that one name is found on every database."""

    def from_db_value(
        self, value: str | None, _expression: object, _connection: BaseDatabaseWrapper
    ) -> list[str] | None:
        return None if value is None else value.split()  # Checked when it was written.

    def to_python(self, value: Any) -> list[str]:
        if isinstance(value, str):
            return list(parse_scope(value))
        return list(unique_scopes(value))

    def get_prep_value(self, value: Any) -> str:
        names = self.to_python(value)
        return f" {format_scope(names)} " if names else ""

    def value_to_string(self, obj: models.Model) -> str:
        return format_scope(self.value_from_object(obj))


@ScopesField.register_lookup
class HasScope(_LookupBase):
    """`granted_scopes__has="timerecords"`: rows whose list holds exactly that name, in that case."""

    lookup_name: str = "has"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: BaseDatabaseWrapper) -> tuple[str, tuple[Any, ...]]:
        # Not LIKE: on SQLite it does not tell upper case from lower.
        return self._as_position("INSTR({}, %s) > 0", compiler, connection)

    def as_postgresql(
        self, compiler: Any, connection: BaseDatabaseWrapper
    ) -> tuple[str, tuple[Any, ...]]:
        return self._as_position("STRPOS({}, %s) > 0", compiler, connection)

    def as_mysql(
        self, compiler: Any, connection: BaseDatabaseWrapper
    ) -> tuple[str, tuple[Any, ...]]:
        return self._as_position("INSTR({}, BINARY %s) > 0", compiler, connection)

    def _as_position(
        self, template: str, compiler: Any, connection: BaseDatabaseWrapper
    ) -> tuple[str, tuple[Any, ...]]:
        column, params = self.process_lhs(compiler, connection)
        return template.format(column), (*params, f" {self.rhs} ")


class SealedField(_SealedBase):
    """An envelope. It is opened by its row, and is neither looked up nor ordered by."""

    def get_lookup(self, lookup_name: str) -> Any:
        raise FieldError(f"{self.name} is sealed: it cannot be searched by {lookup_name!r}.")

    def get_transform(self, lookup_name: str) -> Any:
        raise FieldError(f"{self.name} is sealed: it has no {lookup_name!r}.")


_Set = TypeVar("_Set")
_Get = TypeVar("_Get")

if TYPE_CHECKING:

    class _MomentBase(models.DateTimeField[_Set, _Get]):
        pass
else:

    class _MomentBase(models.DateTimeField):
        def __class_getitem__(cls, _: object) -> type["_MomentBase"]:
            return cls


class MomentField(_MomentBase[_Set, _Get]):
    """A moment: kept in UTC and always read with its offset, whatever USE_TZ and TIME_ZONE are.

    Django's own field keeps the local time of DATABASES["…"]["TIME_ZONE"] where a database has no
    type for a moment (SQLite, MySQL), which the clock of the database does not, and local time repeats
    itself when summer time ends. Without USE_TZ, a moment is read at the offset of TIME_ZONE, so that
    pages show it as they show all times; a naive value is taken as local time.
    """

    def get_prep_value(self, value: Any) -> Any:
        if isinstance(value, datetime) and is_naive(value) and not uses_time_zones():
            value = make_aware(value, get_default_timezone())
        return super().get_prep_value(value)

    def get_db_prep_value(
        self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False
    ) -> Any:
        if not prepared:
            value = self.get_prep_value(value)
        if isinstance(value, datetime) and not connection.features.supports_timezones:
            value = value.astimezone(UTC).replace(tzinfo=None)
        return super().get_db_prep_value(value, connection, prepared=True)

    def select_format(self, compiler: Any, sql: str, params: Any) -> tuple[str, Any]:
        # PostgreSQL gives local time where Django asks for none of its zones.
        if compiler.connection.features.supports_timezones and not uses_time_zones():
            sql = f"({sql} AT TIME ZONE 'UTC')"
        return sql, params

    def from_db_value(
        self, value: datetime | None, _expression: object, connection: BaseDatabaseWrapper
    ) -> datetime | None:
        if value is None:
            return None
        if uses_time_zones() and connection.features.supports_timezones:
            return value.astimezone(UTC)
        moment = value.replace(tzinfo=UTC)
        return moment if uses_time_zones() else _at_local_offset(moment)


# The columns of the models as type checkers know them: what is written, and what is read. As text,
# because at run time Django's fields are not generic.
Key: TypeAlias = "models.UUIDField[UUID | Combinable, UUID]"
Text: TypeAlias = "models.CharField[str | Combinable, str]"
Number: TypeAlias = "models.PositiveIntegerField[int | Combinable, int]"
BigNumber: TypeAlias = "models.PositiveBigIntegerField[int | Combinable, int]"
Moment: TypeAlias = "MomentField[datetime | Combinable, datetime]"
MomentOrNone: TypeAlias = "MomentField[datetime | Combinable | None, datetime | None]"
ScopeList: TypeAlias = "models.TextField[Iterable[str], list[str]]"
#: Only the site knows the type of its users.
User: TypeAlias = "models.ForeignKey[Any, Any]"

#: What a model's Meta has for people to read.
Words: TypeAlias = "str | _StrPromise"


def _at_local_offset(moment: datetime) -> datetime:
    # As an offset: within one time zone Python compares and subtracts wall clocks.
    offset = moment.astimezone(get_default_timezone()).utcoffset()
    return moment if offset is None else moment.astimezone(timezone(offset))
