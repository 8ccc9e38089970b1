"""What Actionstep does not take: types, contents of another type than the name says, viruses."""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import PurePath

REFUSED_TYPES = frozenset(
    {"bat", "cmd", "com", "dll", "exe", "jar", "msi", "sh", "src", "tpl", "vbs"}
)

ZIP = (b"PK\x03\x04", b"PK\x05\x06")
OLE = (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",)
SIGNATURES: Mapping[str, tuple[bytes, ...]] = {
    "doc": (*OLE, b"{\\rtf"),
    "docx": ZIP,
    "gif": (b"GIF87a", b"GIF89a"),
    "jpeg": (b"\xff\xd8\xff",),
    "jpg": (b"\xff\xd8\xff",),
    "msg": OLE,
    "odt": ZIP,
    "pdf": (b"%PDF-",),
    "png": (b"\x89PNG\r\n\x1a\n",),
    "ppt": OLE,
    "pptx": ZIP,
    "rtf": (b"{\\rtf",),
    "tif": (b"II*\x00", b"MM\x00*"),
    "tiff": (b"II*\x00", b"MM\x00*"),
    "xls": OLE,
    "xlsx": ZIP,
    "zip": ZIP,
}
PROGRAMS = (b"MZ\x90\x00", b"\x7fELF")
FOREIGN = (*{one for those in SIGNATURES.values() for one in those}, *PROGRAMS)
"""No file of a type without a signature begins like this."""

TEST_VIRUS_LENGTH = 68
TEST_VIRUS = "275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f"
"""SHA-256 of the file that EICAR published for trying out virus scanners."""

LOOKED_AT = TEST_VIRUS_LENGTH
"""How many bytes of the beginning a verdict needs."""


def extension_of(name: str) -> str:
    """Return the extension of a file's name in lower case, without its dot."""
    return PurePath(name).suffix.removeprefix(".").lower()


def fault_of_type(name: str, beginning: bytes) -> str:
    """Return what is wrong with a file of this name that begins so, or nothing."""
    extension = extension_of(name)
    if extension in REFUSED_TYPES:
        return f"is of a type that is not accepted: {extension}"
    signatures = SIGNATURES.get(extension)
    if not beginning:
        return ""
    is_another = (
        not beginning.startswith(signatures) if signatures else beginning.startswith(FOREIGN)
    )
    return "has a signature that does not match its extension" if is_another else ""


def has_virus(beginning: bytes) -> bool:
    """Return whether a file begins as the test virus of EICAR does."""
    return sha256(beginning[:TEST_VIRUS_LENGTH]).hexdigest() == TEST_VIRUS
