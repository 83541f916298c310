"""Signatures of webhooks, with the public package `standardwebhooks` as the judge of ours, and ours as the judge of its."""

from __future__ import annotations

import base64
import json
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from loa.errors import InvalidSetting, InvalidSignature
from loa.settings import Settings
from loa.webhooks.signature import Secret, new_secret, parse_secrets, sign, verify

BODY = '{"type":"job.succeeded","data":{"title":"Tiếng Việt"}}'.encode()
# The example of the specification's own test suite.
KNOWN_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
KNOWN_SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def signed(*secrets: Secret, body: bytes = BODY, at: float | None = None) -> dict[str, str]:
    """The headers of a message."""
    timestamp = int(time.time() if at is None else at)
    return {"webhook-id": "msg_1", "webhook-timestamp": str(timestamp), "webhook-signature": sign(secrets, "msg_1", timestamp, body)}


def test_the_specifications_example() -> None:
    secret = Secret.parse(KNOWN_SECRET)
    assert sign([secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}') == KNOWN_SIGNATURE


@given(body=st.text(max_size=200), key=st.binary(min_size=24, max_size=64))
def test_the_public_package_accepts_ours(body: str, key: bytes) -> None:
    secret = Secret(key)
    Webhook(secret.text).verify(body.encode(), signed(secret, body=body.encode()), json_parse=False)


@given(body=st.text(max_size=200), key=st.binary(min_size=24, max_size=64))
def test_we_accept_the_public_packages(body: str, key: bytes) -> None:
    now = datetime.now(tz=UTC)
    signature = Webhook(Secret(key).text).sign("msg_1", now, body)
    headers = {"Webhook-Id": "msg_1", "Webhook-Timestamp": str(int(now.timestamp())), "Webhook-Signature": signature}
    verify([Secret(key)], headers, body.encode())


def test_each_of_two_secrets_verifies_while_they_are_exchanged() -> None:
    old, new, other = new_secret(), new_secret(), new_secret()
    headers = signed(new, old)
    assert headers["webhook-signature"].count("v1,") == 2
    for secret in (old, new):
        assert Webhook(secret.text).verify(BODY, headers) == json.loads(BODY)
        verify([secret], headers, BODY)
    verify([other, old], signed(old), BODY)
    with pytest.raises(WebhookVerificationError):
        Webhook(other.text).verify(BODY, headers)
    with pytest.raises(InvalidSignature, match="by one of the secrets"):
        verify([other], headers, BODY)


@pytest.mark.parametrize("change", ["webhook-id", "webhook-timestamp", "webhook-signature", "body"])
def test_a_changed_message_is_refused(change: str) -> None:
    secret = new_secret()
    headers, body = signed(secret, at=1000), BODY
    if change == "body":
        body += b" "
    else:
        headers[change] = {"webhook-id": "msg_2", "webhook-timestamp": "1001", "webhook-signature": KNOWN_SIGNATURE}[change]
    with pytest.raises(InvalidSignature, match="by one of the secrets"):
        verify([secret], headers, body, now=1000)


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_message_without_one_of_the_headers_is_refused(missing: str) -> None:
    secret = new_secret()
    headers = signed(secret)
    del headers[missing]
    with pytest.raises(InvalidSignature, match="not all there"):
        verify([secret], headers, BODY)


@pytest.mark.parametrize("timestamp", ["1.5", "-1", "٣", "now", "9" * 16, "1e3", "1_0"])
def test_a_timestamp_that_is_no_whole_number_is_refused(timestamp: str) -> None:
    with pytest.raises(InvalidSignature, match="whole number"):
        verify([new_secret()], signed(new_secret()) | {"webhook-timestamp": timestamp}, BODY)


@pytest.mark.parametrize("signature", ["", "v1,", "v1,=", "v1,ä", "v1", "v2,AAAA", "v1,AAAA", "v1a,AAAA", ","])
def test_a_signature_of_another_form_is_refused(signature: str) -> None:
    with pytest.raises(InvalidSignature):
        verify([new_secret()], signed(new_secret()) | {"webhook-signature": signature}, BODY)


def test_signatures_of_versions_to_come_do_not_disturb() -> None:
    secret = new_secret()
    headers = signed(secret)
    verify([secret], headers | {"webhook-signature": f"v1a,AAAA {headers['webhook-signature']} v9,x"}, BODY)


@pytest.mark.parametrize(("apart", "words"), [(301, "301 s old"), (-301, "301 s ahead of this clock")])
def test_a_message_from_another_time_is_refused(apart: float, words: str) -> None:
    secret = new_secret()
    headers = signed(secret, at=10_000)
    with pytest.raises(InvalidSignature, match=words):
        verify([secret], headers, BODY, now=10_000 + apart)
    verify([secret], headers, BODY, now=10_000 + apart, tolerance=302)
    verify([secret], headers, BODY, now=10_300)
    verify([secret], headers, BODY, now=9_700)


@pytest.mark.parametrize("size", [24, 32, 64])
def test_secrets_read_what_they_write(size: int) -> None:
    secret = Secret(bytes(range(size)))
    assert Secret.parse(secret.text) == secret
    assert Secret.parse(secret.text.rstrip("=")) == secret


def encoded(size: int) -> str:
    return base64.b64encode(bytes(size)).decode()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (encoded(24), "does not start with whsec_"),
        ("whsec_", "has 0 bytes"),
        (f"whsec_{encoded(23)}", "has 23 bytes; it takes 24 to 64"),
        (f"whsec_{encoded(65)}", "has 65 bytes; it takes 24 to 64"),
        ("whsec_" + "-_" * 20, "other than base64"),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw!", "other than base64"),
    ],
)
def test_a_bad_secret_stops_the_start_without_being_shown(text: str, words: str) -> None:
    with pytest.raises(InvalidSetting, match=words):
        Secret.parse(text)
    with pytest.raises(InvalidSetting, match=f"^LOA_WEBHOOK_SECRETS: .*{words}") as told:
        Settings.load({"LOA_WEBHOOK_SECRETS": f"{KNOWN_SECRET} {text}"})
    assert len(text) < 10 or text.removeprefix("whsec_") not in str(told.value)


def test_new_secrets_are_long_and_differ() -> None:
    secrets = {new_secret().text for _ in range(50)}
    assert len(secrets) == 50
    assert all(len(Secret.parse(text).key) == 32 for text in secrets)


def test_nothing_shows_a_secret_by_accident() -> None:
    settings = Settings.load({"LOA_WEBHOOK_SECRETS": KNOWN_SECRET})
    (secret,) = parse_secrets(settings.webhook_secrets)
    for shown in (repr(settings), str(settings), repr(secret), str(secret), f"{[secret]}"):
        assert KNOWN_SECRET[10:20] not in shown
        assert repr(secret.key) not in shown
