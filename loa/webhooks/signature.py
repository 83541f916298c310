"""Signatures of webhooks, after the Standard Webhooks specification (https://www.standardwebhooks.com).

What is signed is `ID.TIMESTAMP.BODY`: the message's id, the second of this attempt, the bytes of the body. The header `webhook-signature`
holds one `v1,<base64 of HMAC-SHA256>` for each secret, separated by blanks, so that a receiver may know any one of them while secrets
are exchanged.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets as randomness
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from loa.errors import InvalidSetting, InvalidSignature

PREFIX = "whsec_"
LEAST_BYTES, MOST_BYTES = 24, 64  # of a secret, as the specification has it
NEW_BYTES = 32  # as many as SHA-256 puts out: more bring nothing
TOLERANCE = 300.0  # seconds that the clocks of sender and receiver may differ


@dataclass(frozen=True)
class Secret:
    """A key for signatures. Its `repr` hides it, so that no log can show it."""

    key: bytes = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Secret:
        """The secret that `text` writes as `whsec_` and base64. Raises InvalidSetting, which does not quote it."""
        encoded = text.removeprefix(PREFIX)
        if encoded == text:
            raise InvalidSetting(f"a webhook secret does not start with {PREFIX}")
        try:
            key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
        except binascii.Error:
            raise InvalidSetting(f"a webhook secret holds something other than base64 after {PREFIX}") from None
        if not LEAST_BYTES <= len(key) <= MOST_BYTES:
            raise InvalidSetting(f"a webhook secret has {len(key)} bytes; it takes {LEAST_BYTES} to {MOST_BYTES}")
        return cls(key)

    @property
    def text(self) -> str:
        """As receivers and settings write it: `whsec_` and base64."""
        return PREFIX + base64.b64encode(self.key).decode("ascii")

    def sign(self, content: bytes) -> bytes:
        """The bare signature of `content`: 32 bytes."""
        return hmac.digest(self.key, content, hashlib.sha256)


def new_secret() -> Secret:
    """A secret that nobody knows yet."""
    return Secret(randomness.token_bytes(NEW_BYTES))


def parse_secrets(text: str) -> tuple[Secret, ...]:
    """Secrets separated by blanks, newest first, as LOA_WEBHOOK_SECRETS has them. Raises InvalidSetting."""
    return tuple(Secret.parse(part) for part in text.split())


def sign(secrets: Sequence[Secret], id: str, timestamp: int, body: bytes) -> str:  # noqa: A002 - the specification's name
    """The value of the header `webhook-signature`, with one signature for each of `secrets`."""
    content = _content(id, str(timestamp), body)
    return " ".join(f"v1,{base64.b64encode(secret.sign(content)).decode('ascii')}" for secret in secrets)


def verify(
    secrets: Sequence[Secret], headers: Mapping[str, str], body: bytes, tolerance: float = TOLERANCE, *, now: float | None = None
) -> None:
    """Return if one of `secrets` signed this very message, at most `tolerance` seconds ago; raise InvalidSignature otherwise.

    `headers` may be in any case. `now` is the time since the epoch, by default the clock's. The time that a refusal takes says nothing
    about the secrets.
    """
    found = {name.lower(): value for name, value in headers.items()}
    id, timestamp, signatures = (found.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))  # noqa: A001
    if not (id and timestamp and signatures):
        raise InvalidSignature("the headers webhook-id, webhook-timestamp and webhook-signature are not all there")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 15):
        raise InvalidSignature("webhook-timestamp is not a whole number of seconds")
    age = (time.time() if now is None else now) - int(timestamp)
    if abs(age) > tolerance:
        raise InvalidSignature(
            f"the message is {abs(age):.0f} s {'old' if age > 0 else 'ahead of this clock'}; {tolerance:g} s are tolerated"
        )
    content = _content(id, timestamp, body)
    wanted = [secret.sign(content) for secret in secrets]
    given = [_decoded(part.removeprefix("v1,")) for part in signatures.split() if part.startswith("v1,")]
    matches = [hmac.compare_digest(one, other) for one in wanted for other in given]  # all pairs, whichever fits
    if not any(matches):
        raise InvalidSignature("no signature of the message is by one of the secrets")


def _content(id: str, timestamp: str, body: bytes) -> bytes:  # noqa: A002
    return b".".join((id.encode(), timestamp.encode(), body))


def _decoded(signature: str) -> bytes:
    try:
        return base64.b64decode(signature, validate=True)
    except ValueError:  # not base64, or not even ASCII
        return b""
