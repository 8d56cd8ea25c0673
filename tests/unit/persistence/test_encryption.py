"""Encryption at rest: keys, places, rotation, and the key file."""

from __future__ import annotations

import base64
import stat

import pytest

from flowrun.errors import ConfigurationError
from flowrun.persistence.encryption import KEY_FILE, Keyring, Sealed, UndecryptableError, load_keyring

SALT = b"0123456789abcdef"


def key(number):
    return base64.b64encode(bytes([number]) * 32).decode()


@pytest.fixture
def ring(tmp_path):
    return load_keyring(key(1), tmp_path, SALT)


def test_what_is_sealed_opens_at_its_place_alone(ring):
    sealed = ring.seal("the value", "secret", "acme", "A")
    assert b"the value" not in sealed.ciphertext
    assert ring.open(sealed, "secret", "acme", "A") == "the value"
    for place in (("secret", "other", "A"), ("secret", "acme", "B"), ("channel", "acme", "A"), ("secret", "acmeA", "")):
        with pytest.raises(UndecryptableError):
            ring.open(sealed, *place)


def test_places_are_not_confused_by_where_their_parts_end(ring):
    sealed = ring.seal("v", "a", "bc")
    for place in (("ab", "c"), ("abc",), ("a", "b", "c"), ("a;2:bc",)):
        with pytest.raises(UndecryptableError):
            ring.open(sealed, *place)


def test_every_byte_counts(ring):
    sealed = ring.seal("value", "p")
    for at in range(len(sealed.ciphertext)):
        changed = bytearray(sealed.ciphertext)
        changed[at] ^= 1
        with pytest.raises(UndecryptableError):
            ring.open(Sealed(sealed.key_id, bytes(changed)), "p")
    for cut in range(len(sealed.ciphertext)):
        with pytest.raises(UndecryptableError):
            ring.open(Sealed(sealed.key_id, sealed.ciphertext[:cut]), "p")


def test_the_same_value_is_never_the_same_twice(ring):
    assert len({ring.seal("value", "p").ciphertext for _ in range(50)}) == 50


def test_the_first_key_encrypts_and_every_one_decrypts(tmp_path):
    old = load_keyring(key(1), tmp_path, SALT)
    both = load_keyring(f"{key(2)}, {key(1)}\n", tmp_path, SALT)
    new = load_keyring(key(2), tmp_path, SALT)
    sealed = old.seal("value", "p")
    assert both.open(sealed, "p") == "value"
    again = both.seal("value", "p")
    assert (again.key_id, both.current) == (new.current, new.current)
    assert new.open(again, "p") == "value"
    with pytest.raises(UndecryptableError, match=f"the key {old.current}, which is not configured"):
        new.open(sealed, "p")


def test_a_passphrase_depends_on_the_salt(tmp_path):
    phrase = "correct horse battery staple"
    one, same, other = (load_keyring(phrase, tmp_path, salt) for salt in (SALT, SALT, b"x" * 16))
    assert one.current == same.current != other.current


@pytest.mark.parametrize("text", ["", " , ,\n", "short", key(1)[:20].rstrip("=")[:12]])
def test_a_weak_key_is_refused(tmp_path, text):
    with pytest.raises(ConfigurationError):
        load_keyring(text, tmp_path, SALT)


def test_the_key_file_is_made_once_and_kept_private(tmp_path):
    first = load_keyring(None, tmp_path, SALT)
    path = tmp_path / KEY_FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_keyring(None, tmp_path, SALT).current == first.current
    assert sorted(file.name for file in tmp_path.iterdir()) == [KEY_FILE]


def test_a_second_line_of_the_key_file_is_the_older_key(tmp_path):
    old = load_keyring(None, tmp_path, SALT)
    path = tmp_path / KEY_FILE
    path.write_text(f"{key(3)}\n{path.read_text()}")
    ring = load_keyring(None, tmp_path, SALT)
    assert ring.current != old.current
    assert old.current in ring
    assert isinstance(ring, Keyring)


def test_a_key_file_that_cannot_be_read_says_so(tmp_path):
    (tmp_path / KEY_FILE).write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_keyring(None, tmp_path, SALT)
