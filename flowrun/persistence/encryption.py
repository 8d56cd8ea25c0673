"""Encrypting what is stored: AES-256-GCM under the first of several keys, each text bound to its place.

A ciphertext is the nonce followed by what AES-GCM gives. The place it belongs to (such as a tenant and a name) is
authenticated with it, so that a row copied to another place opens nothing.
"""

from __future__ import annotations

import base64
import binascii
import logging
import os
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import scrypt, sha256
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Column, Connection, select, update

from flowrun.errors import ConfigurationError, FlowrunError
from flowrun.persistence import tables as t

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_log = logging.getLogger(__name__)

KEY_FILE = "encryption.key"
_KEY_BYTES = 32
_NONCE_BYTES = 12
_SALT_BYTES = 16
_SHORTEST_PASSPHRASE = 16
_SEPARATORS = re.compile(r"[,\r\n]+")


class UndecryptableError(FlowrunError):
    """This was encrypted with a key that is not configured."""

    code = "undecryptable"


@dataclass(frozen=True, slots=True)
class Sealed:
    """A text as it is stored, and the id of the key that opens it."""

    key_id: str
    ciphertext: bytes


class Keyring:
    """The keys at hand: the first one encrypts, every one decrypts."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = {_key_id(key): key for key in keys}
        self.current = _key_id(keys[0])
        """The id of the key that encrypts."""

    def __contains__(self, key_id: str) -> bool:
        return key_id in self._keys

    def seal(self, text: str, *place: str) -> Sealed:
        """Encrypt a text for one place."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        cipher = _cipher(self._keys[self.current])
        return Sealed(self.current, nonce + cipher.encrypt(nonce, text.encode(), _bound(place)))

    def open(self, sealed: Sealed, *place: str) -> str:
        """Decrypt it; raises `UndecryptableError` when the key is missing, or the text is not of this place."""
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - see `_cipher`

        key = self._keys.get(sealed.key_id)
        if key is None:
            raise UndecryptableError(f"It was encrypted with the key {sealed.key_id}, which is not configured")
        nonce, ciphertext = sealed.ciphertext[:_NONCE_BYTES], sealed.ciphertext[_NONCE_BYTES:]
        try:
            return _cipher(key).decrypt(nonce, ciphertext, _bound(place)).decode()
        except (InvalidTag, ValueError):
            raise UndecryptableError("It was changed, or belongs to another tenant or name") from None


def _cipher(key: bytes) -> AESGCM:
    # The library takes 6 MB, which only those need who have secrets.
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

    return AESGCM(key)


def load_keyring(configured: str | None, data_dir: Path, salt: bytes) -> Keyring:
    """The keys of the configuration, else of the key file in the data directory, which is made when it is missing.

    Several keys stand on lines of their own or between commas. Each is 32 bytes in base64, or a passphrase, which
    scrypt makes a key of with the installation's `salt`. Raises `ConfigurationError`.
    """
    text = configured if configured is not None else _key_file(data_dir / KEY_FILE)
    keys = [_key(part.strip(), salt) for part in _SEPARATORS.split(text) if part.strip()]
    if not keys:
        raise ConfigurationError("The encryption key is empty")
    return Keyring(keys)


def key_salt(connection: Connection) -> bytes:
    """The salt of this installation's passphrases, made when first asked for; it is stored beside what it protects."""
    return _made_once(connection, t.instance.c.key_salt, _SALT_BYTES)


def resume_key(connection: Connection) -> bytes:
    """What the addresses of waiting nodes are signed with, made when first asked for."""
    return _made_once(connection, t.instance.c.resume_key, _KEY_BYTES)


def _made_once(connection: Connection, column: Column[bytes], length: int) -> bytes:
    value: bytes | None = connection.scalar(select(column))
    if value is None:
        value = secrets.token_bytes(length)
        connection.execute(update(t.instance).values({column: value}))
    return value


def _key(text: str, salt: bytes) -> bytes:
    try:
        key = base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) == _KEY_BYTES:
        return key
    if len(text) < _SHORTEST_PASSPHRASE:
        raise ConfigurationError(
            f"The encryption key is too short: 32 bytes in base64 (openssl rand -base64 32), or a passphrase of "
            f"{_SHORTEST_PASSPHRASE} characters or more without commas"
        )
    return scrypt(text.encode(), salt=salt, n=1 << 15, r=8, p=1, maxmem=1 << 26, dklen=_KEY_BYTES)


def _key_id(key: bytes) -> str:
    return sha256(b"flowrun key id:" + key).hexdigest()[:12]


def _bound(place: Sequence[str]) -> bytes:
    # Lengths before the parts: ("a", "bc") and ("ab", "c") are different places.
    return b"".join(f"{len(part.encode())}:{part};".encode() for part in place)


def _key_file(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except FileNotFoundError:
        pass
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"The key file {path} cannot be read: {error}") from None
    key = base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()
    _write_durably(path, f"{key}\n")
    _log.info("Made the encryption key %s; keep a copy of it apart from the database's backups", path)
    return key


def _write_durably(path: Path, text: str) -> None:
    """Let the file be there whole or not at all, also after a power cut: what it opens is lost without it."""
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.write(file, text.encode())
        os.fsync(file)
    finally:
        os.close(file)
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
