"""What a transactional test leaves behind: nothing of its own, and all that migrations made."""

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.contrib.contenttypes.models import ContentType

from tests.support.connections import make_connection, make_user
from tests.support.emptying import empty, kept_rows

pytestmark = pytest.mark.django_db(transaction=True)


def names() -> set[tuple[str, str]]:
    """Return the names of all permissions, and of what they are about."""
    return set(Permission.objects.values_list("content_type__model", "codename"))


def test_rows_go_and_what_migrations_made_stays() -> None:
    """Rows that refer to each other are deleted; content types and permissions keep their ids."""
    made = {"default": kept_rows("default")}
    ids = set(Permission.objects.values_list("pk", flat=True))
    connection = make_connection(make_user())
    group = Group.objects.create(name="staff")
    group.permissions.set(Permission.objects.all()[:3])
    connection.user.groups.add(group)
    empty("default", made)
    assert not User.objects.exists()
    assert not type(connection).objects.exists()
    assert not Group.objects.exists()
    assert set(Permission.objects.values_list("pk", flat=True)) == ids


@pytest.mark.parametrize("change", ["added", "deleted"])
def test_what_migrations_made_is_made_again(change: str) -> None:
    """A test that adds to it or deletes from it changes nothing for the next."""
    made, expected = {"default": kept_rows("default")}, names()
    if change == "added":
        ContentType.objects.create(app_label="of_a_test", model="thing")
    else:
        Permission.objects.filter(codename="add_group").delete()
    User.objects.create_user("of-a-test")
    empty("default", made)
    assert names() == expected
    assert not ContentType.objects.filter(app_label="of_a_test").exists()
    assert not User.objects.exists()
    assert made["default"] == kept_rows("default")
