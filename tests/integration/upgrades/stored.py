"""What a release had in its database, as JSON that every database takes back.

Rows are written and read through the models *of that schema*, which its migrations describe. So a
stored file goes on working while the models change, as long as no released migration is edited.
"""

from collections.abc import Mapping
from typing import Any

from django.apps.registry import Apps
from django.core.management import call_command
from django.db import connection as database
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

APPS = ("actionstep_connect", "actionstep_connect_hooks")
Rows = list[dict[str, Any]]


def last_migrations() -> dict[str, str]:
    """Return the newest migration of each app of this package."""
    leaves = MigrationLoader(database).graph.leaf_nodes()
    return {app: name for app, name in leaves if app in APPS}


def models_at(migrations: Mapping[str, str]) -> Apps:
    """Return the models as they were after these migrations."""
    return MigrationLoader(database).project_state(list(migrations.items())).apps


def dump(migrations: Mapping[str, str]) -> dict[str, Rows]:
    """Return all rows of this package, by the labels of their models."""
    state, found = models_at(migrations), {}
    for app in migrations:
        for model in state.get_app_config(app).get_models():
            rows = [_row(one) for one in model._default_manager.order_by("pk")]
            found[model._meta.label] = rows
    return found


def _row(one: Any) -> dict[str, Any]:
    values = ((field, field.value_from_object(one)) for field in one._meta.concrete_fields)
    return {
        field.attname: None if value is None else field.value_to_string(one)
        for field, value in values
    }


def load(migrations: Mapping[str, str], stored: Mapping[str, Rows]) -> None:
    """Take this package's tables back to that schema, and put the rows into them."""
    for app in migrations:
        call_command("migrate", app, "zero", verbosity=0)
    for app, name in migrations.items():
        call_command("migrate", app, name, verbosity=0)
    state = models_at(migrations)
    for label, rows in stored.items():
        model = state.get_model(label)
        fields = {field.attname: field for field in model._meta.concrete_fields}
        model._default_manager.bulk_create(
            model(**{n: v if v is None else fields[n].to_python(v) for n, v in row.items()})
            for row in rows
        )


def to_the_present() -> None:
    """Migrate to the newest schema."""
    call_command("migrate", verbosity=0)
    applied = MigrationRecorder(database).applied_migrations()
    assert set(last_migrations().items()) <= set(applied)


def columns(migrations: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the columns of this package's tables after these migrations, as the database has them."""
    state, found = models_at(migrations), {}
    models = [model for app in migrations for model in state.get_app_config(app).get_models()]
    with database.cursor() as cursor:
        for table in sorted(model._meta.db_table for model in models):
            description = database.introspection.get_table_description(cursor, table)
            found[table] = sorted(column.name for column in description)
    return found
