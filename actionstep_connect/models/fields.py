"""Columns with a meaning of their own."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.core.exceptions import FieldError
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from actionstep_connect.scopes import format_scope, parse_scope, unique_scopes

if TYPE_CHECKING:
    # At run time Django's fields are not generic (django-stubs makes them so).
    _ScopesBase = models.TextField[Iterable[str], list[str]]
    _SealedBase = models.TextField[str, str]
    _LookupBase = models.Lookup[str]
else:
    _ScopesBase = models.TextField
    _SealedBase = models.TextField
    _LookupBase = models.Lookup


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

    lookup_name = "has"
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
