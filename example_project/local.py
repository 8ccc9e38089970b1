"""What the demo keeps in its own folder, so that a fresh clone runs unconfigured."""

import base64
import os
import secrets
from pathlib import Path

KEY_BYTES = 32


def local_secret(path: Path) -> str:
    """Return the secret kept in ``path``, made at first use and readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).decode()
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(fresh)
    try:
        path.hardlink_to(draft)  # Atomic: of two processes that start at once, one makes the key.
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_text().strip()


def broker_options(folder: Path) -> dict[str, object]:
    """Return Celery's transport options for a broker that is a folder, and make that folder."""
    messages, processed, control = (folder / name for name in ("messages", "processed", "control"))
    for each in (messages, processed, control):
        each.mkdir(parents=True, exist_ok=True)
    return {
        "data_folder_in": str(messages),
        "data_folder_out": str(messages),
        "processed_folder": str(processed),
        "control_folder": str(control),
        "polling_interval": 0.2,
    }
