"""What `crypto` takes of the package cryptography: AES-256-GCM and HKDF-SHA256.

Loading it takes a fifth of what loading the app took, so it comes with the first token that is sealed or
opened, or with what calls Actionstep; a command that only checks, migrates or lists does not wait for it.
"""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

__all__ = ["AESGCM", "HKDF", "SHA256", "InvalidTag"]
