"""API keys as values: how they are made, known again, kept and shown."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import re

import pytest

from loa.api_keys import ApiKey, Scope, id_of, masked, new_key
from loa.errors import InvalidRequest
from loa.settings import Settings


def test_a_secret_holds_the_id_and_256_random_bits() -> None:
    key, secret = new_key("laptop")
    assert re.fullmatch(rf"loa_{key.id}_[A-Za-z0-9_-]{{43}}", secret)
    assert re.fullmatch("[0-9a-f]{12}", key.id)
    assert id_of(secret) == key.id
    assert len({new_key("laptop")[1] for _ in range(100)}) == 100


def test_a_key_has_an_owner_of_its_own_and_the_usual_scopes() -> None:
    key, _ = new_key("  laptop ")
    assert (key.name, key.owner, key.scopes) == ("laptop", key.id, (Scope.SUBMIT, Scope.READ))
    key, _ = new_key("watch", scopes=["admin", "read", "read"], owner="ann")
    assert (key.owner, key.scopes) == ("ann", (Scope.READ, Scope.ADMIN))


def test_only_the_very_secret_opens_it() -> None:
    key, secret = new_key("laptop")
    assert key.opened_by(secret)
    for other in (secret[:-1], secret + "A", secret.upper(), "", new_key("laptop")[1], "\udc80"):
        assert not key.opened_by(other)
    assert not dataclasses.replace(key, revoked=1.0).opened_by(secret)


def test_the_comparison_takes_the_same_time_whatever_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """What decides is hmac.compare_digest, over two hashes of one length."""
    key, _ = new_key("laptop")
    compared: list[tuple[str, str]] = []

    def compare(one: str, other: str) -> bool:
        compared.append((one, other))
        return False

    monkeypatch.setattr(hmac, "compare_digest", compare)
    assert not key.opened_by("wrong")
    assert compared == [(hashlib.sha256(b"wrong").hexdigest(), key.sha256)]


def test_what_is_kept_does_not_hold_the_secret_and_comes_back() -> None:
    key, secret = new_key("Läptop", scopes=list(Scope), owner="ann")
    assert secret not in key.record()
    assert secret[-43:] not in key.record()
    assert ApiKey.from_record(key.id, key.record()) == key
    shown = str(key.to_json())
    assert secret[-43:] not in shown
    assert key.sha256 not in shown


@pytest.mark.parametrize("secret", ["", "loa_", "sk-proj-1234", "loa_0123456789ab_short", "loa_0123456789AB_" + "a" * 43, "x" * 5000])
def test_what_is_no_secret_of_loa_has_no_id(secret: str) -> None:
    assert id_of(secret) is None
    assert masked(secret) == "…"


def test_a_secret_is_shown_by_its_id_only() -> None:
    key, secret = new_key("laptop")
    assert masked(secret) == f"loa_{key.id}_…"


@pytest.mark.parametrize(
    "wrong",
    [{"name": ""}, {"name": " "}, {"name": "a\nb"}, {"name": "a" * 101}]
    + [{"owner": owner} for owner in ("", "a b", "a:b", "a/b", "*", "-a", "a" * 65, "ä")]
    + [{"scopes": []}, {"scopes": ["root"]}],
)
def test_what_can_be_no_key_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidRequest):
        new_key(**({"name": "laptop"} | wrong))  # type: ignore[arg-type]


def test_settings_never_show_the_key() -> None:
    _, secret = new_key("laptop")
    settings = Settings.load({"LOA_API_KEY": secret})
    assert settings.api_key == secret
    assert secret not in repr(settings)
