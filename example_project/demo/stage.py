"""Set the stage of a demo: the tables and the people of the example site.

``python -m example_project.demo.stage`` runs in the environment of the demo's own processes.
"""

import os

import django
from django.contrib.auth import get_user_model
from django.core.management import call_command

PASSWORD = "demo"  # noqa: S105 - a demo on loopback, and printed at its start
USERS = ("alice", "bob")
ADMIN = "admin"


def main() -> None:
    """Migrate the database and make the people, each only once."""
    call_command("migrate", interactive=False, verbosity=0)
    users = get_user_model().objects
    for name in USERS:
        if not users.filter(username=name).exists():
            users.create_user(name, f"{name}@example.com", PASSWORD)
    if not users.filter(username=ADMIN).exists():
        users.create_superuser(ADMIN, f"{ADMIN}@example.com", PASSWORD)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example_project.settings")
    django.setup()
    main()
