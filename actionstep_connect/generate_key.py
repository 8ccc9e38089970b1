"""Making keys: nothing here needs settings, because settings need the key.

`python -m actionstep_connect.generate_key` prints one. With `--file` it goes into a file that only
its owner can read.
"""

import argparse
import base64
import os
import secrets
import sys
from pathlib import Path
from typing import Protocol

KEY_BYTES = 32
OWNER_ONLY = 0o600


def generate_key() -> str:
    """Return a new random key for ENCRYPTION_KEYS: 32 bytes, base64url."""
    return base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def write_key(file: Path) -> bool:
    """Write a new key to `file`, which only its owner can then read.

    Return False, and leave the file as it is, if it holds something: rows may need that key.
    """
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
    except FileExistsError:
        if file.read_text().strip():
            return False
        file.chmod(OWNER_ONLY)  # Before there is a key in it: an attempt that failed left it empty.
        descriptor = os.open(file, os.O_WRONLY | os.O_TRUNC)
    with os.fdopen(descriptor, "w") as target:
        target.write(f"{generate_key()}\n")
    return True


class Output(Protocol):
    """Standard output, or what Django puts in its place."""

    def write(self, text: str, /) -> object:
        """Print `text`."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add --file."""
    parser.add_argument(
        "--file",
        type=Path,
        help="write the key to this file, for its owner only; one that holds a key is kept",
    )


def give_key(file: Path | None, *, out: Output, err: Output) -> None:
    """Print a new key, or write it to `file` and say what became of that."""
    if file is None:
        out.write(f"{generate_key()}\n")
    elif write_key(file):
        err.write(f"{file} holds a new key. Keep it out of version control.\n")
    else:
        err.write(f"{file} is kept as it is: it holds something, and rows may need it.\n")


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(
        prog="python -m actionstep_connect.generate_key",
        description="Make a random key for ACTIONSTEP_CONNECT['ENCRYPTION_KEYS'].",
    )
    add_arguments(parser)
    give_key(parser.parse_args().file, out=sys.stdout, err=sys.stderr)


if __name__ == "__main__":
    main()
