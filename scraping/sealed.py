"""Secrets at rest: sealed with a key that is derived from SECRET_KEY, opened only to be used."""

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

_PURPOSE = b"imagineer: API keys of sources"


class SealBroken(ValueError):
    """A secret cannot be opened; the text is a sentence that says what to do."""


def seal(secret: str) -> str:
    """The secret as a column may hold it."""
    return _box().encrypt(secret.encode()).decode()


def unseal(sealed: str) -> str:
    """The secret. Raises SealBroken if it was sealed under a SECRET_KEY that is not known."""
    try:
        return _box().decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise SealBroken(
            "The API key was sealed under another SECRET_KEY. Enter it anew, or name the old one "
            "in SECRET_KEY_FALLBACKS."
        ) from None


def _box() -> MultiFernet:
    """Seals under SECRET_KEY, and opens what SECRET_KEY_FALLBACKS sealed too."""
    known = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return MultiFernet([Fernet(_derived(key)) for key in known])


def _derived(secret_key: str | bytes) -> bytes:
    secret = secret_key.encode() if isinstance(secret_key, str) else secret_key
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE).derive(secret)
    return base64.urlsafe_b64encode(derived)
