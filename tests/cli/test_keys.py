"""`loa keys`, on a Redis of its own; and the key that commands send."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from click.testing import Result

from loa.api_keys import id_of, new_key
from loa.broker import Broker
from loa.settings import Settings
from loa.store import Credentials, Store
from tests.cli.small_server import SmallServer, problem, refuse

Loa = Callable[..., Result]
DATABASE = 7  # of the session's broker


@pytest.fixture
def credentials(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> Iterator[Credentials]:
    """Those that the commands find by LOA_REDIS_URL."""
    url = broker.url.replace("db=0", f"db={DATABASE}")
    monkeypatch.setenv("LOA_REDIS_URL", url)
    with redis.Redis.from_url(url) as client:
        client.flushdb()
        yield Store.for_thread(Settings.load({}, redis_url=url)).credentials
        client.flushdb()


def test_create_prints_the_secret_alone_and_once(loa: Loa, credentials: Credentials) -> None:
    done = loa("keys", "create", "laptop")
    assert done.exit_code == 0
    secret = done.stdout.strip()
    (key,) = credentials.all()
    assert id_of(secret) == key.id
    assert key.opened_by(secret)
    assert (key.name, key.owner, [*key.scopes]) == ("laptop", key.id, ["submit", "read"])
    assert secret not in done.stderr
    assert f"key {key.id} (laptop) for submit and read" in done.stderr
    for again in (loa("keys", "list"), loa("keys", "list", "--json")):
        assert key.id in again.stdout
        assert secret[-43:] not in again.output


def test_a_key_of_another_owner_with_other_scopes(loa: Loa, credentials: Credentials) -> None:
    done = loa("keys", "create", "watch", "--scope", "admin", "--scope", "read", "--owner", "ann", "--json")
    made = json.loads(done.stdout)
    (key,) = credentials.all()
    assert key.opened_by(made.pop("secret"))
    assert made == key.to_json()
    assert (made["owner"], made["scopes"], made["revoked_at"]) == ("ann", ["read", "admin"], None)


def test_list(loa: Loa, credentials: Credentials) -> None:
    assert "no keys" in loa("keys", "list").stderr
    loa("keys", "create", "laptop")
    loa("keys", "create", "watch", "--scope", "admin", "--owner", "ann")
    listed = json.loads(loa("keys", "list", "--json").stdout)
    assert [(key["name"], key["owner"]) for key in listed] == [("laptop", listed[0]["id"]), ("watch", "ann")]
    rows = [line.split() for line in loa("keys", "list").stdout.splitlines()]
    assert [listed[1]["id"], "watch", "ann", "admin", listed[1]["created_at"], "-"] in rows


def test_revoke(loa: Loa, credentials: Credentials) -> None:
    secret = loa("keys", "create", "laptop").stdout.strip()
    (key,) = credentials.all()
    done = loa("keys", "revoke", key.id)
    assert done.exit_code == 0
    assert "opens nothing any more" in done.stderr
    found = credentials.find(key.id)
    assert found is not None
    assert not found.opened_by(secret)
    assert json.loads(loa("keys", "list", "--json").stdout)[0]["revoked_at"] is not None
    assert loa("keys", "revoke", key.id, "--forget").exit_code == 0
    assert credentials.all() == []


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("revoke", "0" * 12), 1, "there is no key '000000000000'"),
        (("create", "x", "--owner", "a b"), 1, "an owner takes"),
        (("create", ""), 1, "a key's name takes"),
        (("create", "x", "--scope", "root"), 2, "'root' is not one of"),
    ],
)
def test_what_cannot_be_is_said(loa: Loa, credentials: Credentials, arguments: tuple[str, ...], code: int, said: str) -> None:
    done = loa("keys", *arguments)
    assert (done.exit_code, done.stdout) == (code, "")
    assert said in done.stderr
    assert credentials.all() == []


def test_the_redis_of_a_running_loa_up_is_found(loa: Loa, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOA_DATA_DIR", str(tmp_path))
    done = loa("keys", "list")
    assert done.exit_code == 1
    assert "no `loa up` runs on LOA_DATA_DIR" in done.stderr
    with Broker(tmp_path / "redis"):
        assert loa("keys", "create", "laptop").exit_code == 0
        assert "laptop" in loa("keys", "list").stdout


# --- the key that is sent ---------------------------------------------------------------------------------------------


def test_commands_send_the_key_and_no_word_of_it_is_logged(
    loa: Loa, server: SmallServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    _, secret = new_key("laptop")
    loa("jobs")
    monkeypatch.setenv("LOA_API_KEY", secret)
    loa("jobs")
    sent = [headers.get("Authorization") for _, _, headers, _ in server.seen]
    assert sent == [None, f"Bearer {secret}"]
    server.faults.append(refuse(401, problem("invalid_key", "this API key is unknown or was revoked")))
    done = loa("jobs")
    assert done.exit_code == 1
    assert "LOA_LOG_LEVEL" not in done.stderr
    assert "loa keys list" in done.stderr
    assert secret[-43:] not in done.output + caplog.text


def test_a_key_that_no_header_carries_is_refused_without_being_shown(loa: Loa, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOA_API_KEY", "half of it\nthe rest")
    done = loa("jobs")
    assert done.exit_code == 1
    assert "LOA_API_KEY" in done.stderr
    assert "half of it" not in done.output


@pytest.mark.parametrize(
    ("key", "code", "verdict", "said"),
    [
        (True, "", "ok", "LOA_API_KEY (loa_ID_…) is taken"),
        (True, "invalid_key", "fail", "LOA_API_KEY (loa_ID_…): no"),
        (True, "forbidden", "warn", "LOA_API_KEY (loa_ID_…) may not see jobs: no"),
        (False, "missing_key", "fail", "LOA_API_KEY is not set: no"),
    ],
)
def test_doctor_tries_the_key_and_masks_it(
    loa: Loa, server: SmallServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: bool, code: str, verdict: str, said: str
) -> None:
    from loa.cli import checks

    monkeypatch.setattr(checks, "CHECKS", {"server": checks.check_server})
    made, secret = new_key("laptop")
    if key:
        monkeypatch.setenv("LOA_API_KEY", secret)
    if code:
        server.faults += [lambda _: False, refuse(401, problem(code, "no"))]
    done = loa("doctor", "--json")
    finding = json.loads(done.stdout)[1]
    assert (finding["verdict"], finding["subject"]) == (verdict, "API key")
    assert finding["fact"] == said.replace("ID", made.id)
    assert secret[-43:] not in done.output
