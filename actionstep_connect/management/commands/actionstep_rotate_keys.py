"""`manage.py actionstep_rotate_keys`: seal every row under the first of ENCRYPTION_KEYS."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from actionstep_connect.flows.rotate import Rotation, count_rows, rotate
from actionstep_connect.management.progress import progress


class Command(BaseCommand):
    """Seal every row under the first key. Workers may run meanwhile; so may a second rotation."""

    help = (
        "Seal every stored token under the first of ENCRYPTION_KEYS, and say which keys may be "
        "dropped. Safe beside running workers; may be stopped and run again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add --dry-run."""
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="report what would be sealed again, and write nothing",
        )

    def handle(self, *_args: Any, dry_run: bool, **_options: Any) -> None:
        """Rotate; exit with 1 while any row is unreadable or kept changing."""
        with progress(self.stdout, total=count_rows(), what="rows") as on_batch:
            rotation = rotate(dry_run=dry_run, on_batch=on_batch)
        were = "would be" if dry_run else "was" if rotation.resealed == 1 else "were"
        self.stdout.write(f"{_counted(rotation.resealed, 'row')} {were} sealed again.")
        self._count(rotation)
        self._name_droppable(rotation)
        self._name_trouble(rotation)
        if rotation.unreadable or rotation.overtaken:
            raise SystemExit(1)

    def _count(self, rotation: Rotation) -> None:
        for name in dict.fromkeys((*rotation.key_ids, *sorted(rotation.rows_by_key))):
            place = "not in ENCRYPTION_KEYS"
            if name in rotation.key_ids:
                place = "the first" if name == rotation.key_ids[0] else "an older one"
            self.stdout.write(
                f"key {name} ({place}): {_counted(rotation.rows_by_key[name], 'row')}"
            )

    def _name_droppable(self, rotation: Rotation) -> None:
        if rotation.droppable:
            self.stdout.write(
                f"May be dropped from ENCRYPTION_KEYS: {', '.join(rotation.droppable)}, once every "
                "process has been started with the present keys, and no backup that you would "
                "restore needs them."
            )
        elif len(rotation.key_ids) > 1:
            self.stdout.write("No key may be dropped yet.")

    def _name_trouble(self, rotation: Rotation) -> None:
        if rotation.unreadable:
            self.stderr.write(
                self.style.ERROR(
                    f"Unreadable: {_counted(rotation.unreadable, 'value')}. Put the missing keys back, or "
                    "disconnect these connections and let their users connect again:"
                )
            )
            for line in rotation.named:
                self.stderr.write(f"  {line}")
        if rotation.overtaken:
            self.stderr.write(
                self.style.ERROR(
                    f"{_counted(rotation.overtaken, 'row')} changed meanwhile, each time: run this again."
                )
            )


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
