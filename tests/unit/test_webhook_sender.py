"""What an attempt tells, and what a message may be; tests/faults has the receivers that misbehave."""

from __future__ import annotations

import asyncio
import email.utils
import errno
import socket
import time

import pytest

from loa import __version__
from loa.webhooks.addresses import AllowList
from loa.webhooks.names import KNOWN_THREADS, MOST_ADDRESSES, Names
from loa.webhooks.sender import LONGEST_MESSAGE, LONGEST_PAUSE, Attempt, Message, Sender
from loa.webhooks.signature import new_secret, verify
from tests.faults.misbehaviour import Behaviour, answering, receiving

BODY = '{"type":"job.succeeded","data":{"title":"Tiếng Việt"}}'.encode()


def attempt(behaviour: Behaviour) -> Attempt:
    """One attempt at a receiver that does this."""

    async def run() -> Attempt:
        async with receiving(behaviour) as receiver:
            return await Sender([new_secret()], AllowList.parse("127.0.0.1"), timeout=15).send(receiver.url, Message("msg_1", BODY))

    return asyncio.run(run())


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_a_success(status: int) -> None:
    done = attempt(answering(status))
    assert (done.succeeded, done.gone, done.status, done.error) == (True, False, status, None)
    assert 0 < done.seconds < 15
    assert abs(done.at - time.time()) < 60


@pytest.mark.parametrize("status", [300, 304, 400, 401, 404, 409, 410, 429, 500, 503, 599])
def test_nothing_else_is(status: int) -> None:
    done = attempt(answering(status))
    assert (done.succeeded, done.gone, done.status) == (False, status == 410, status)
    assert done.error is not None
    assert done.error.startswith(f"answered {status}")


def test_the_request() -> None:
    secrets = [new_secret(), new_secret()]

    async def run() -> dict[str, str]:
        async with receiving(answering(204)) as receiver:
            await Sender(secrets, AllowList.parse("127.0.0.1")).send(receiver.url, Message("msg_1", BODY))
            return receiver.requests[0]

    headers = asyncio.run(run())
    for secret in secrets:
        verify([secret], headers, BODY)
    assert headers["webhook-id"] == "msg_1"
    assert headers["content-type"] == "application/json"
    assert headers["content-length"] == str(len(BODY))
    assert headers["user-agent"] == f"loa/{__version__}"
    assert headers["accept-encoding"] == "identity"
    assert headers["connection"] == "close"


def test_no_proxy_and_no_password_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1/")

    async def run() -> dict[str, str]:
        async with receiving(answering(204)) as receiver:
            await Sender([new_secret()], AllowList.parse("127.0.0.1")).send(receiver.url, Message("msg_1", BODY))
            return receiver.requests[0]

    assert "authorization" not in asyncio.run(run())


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("0", 0.0), ("120", 120.0), (" 7 ", 7.0), ("99999999999999999999", LONGEST_PAUSE), ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0)],
)
def test_retry_after_is_honoured_within_reason(header: str, seconds: float) -> None:
    assert attempt(answering(503, "-", f"Retry-After: {header}")).retry_after == seconds


def test_retry_after_as_a_date() -> None:
    header = email.utils.formatdate(time.time() + 1000, usegmt=True)
    retry_after = attempt(answering(429, "-", f"Retry-After: {header}")).retry_after
    assert retry_after == pytest.approx(1000, abs=60)


@pytest.mark.parametrize("header", ["soon", "-5", "1.5", "", "Thu, 99 Jan 2030 00:00:00 GMT", "Thu, 01 Jan 999999999 00:00:00 GMT", "+1"])
def test_retry_after_that_makes_no_sense_is_none(header: str) -> None:
    assert attempt(answering(503, "-", f"Retry-After: {header}")).retry_after is None


def test_the_answer_is_safe_to_show() -> None:
    done = attempt(answering(500, body=b"line\n\ttab \x1b[31mred\x00 \xff Ti\xe1\xba\xbfng"))
    assert done.answer == "line\n\ttab \ufffd[31mred\ufffd \ufffd Tiếng"


@pytest.mark.parametrize("id", ["", "a.b", "a b", "ä", "a\n", "a" * 129])
def test_a_message_has_a_plain_id(id: str) -> None:  # noqa: A002
    with pytest.raises(ValueError, match="no message id"):
        Message(id, b"{}")


def test_a_message_is_small() -> None:
    Message("msg_1", bytes(LONGEST_MESSAGE))
    with pytest.raises(ValueError, match="is the limit"):
        Message("msg_1", bytes(LONGEST_MESSAGE + 1))


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("http://127.0.0.1:{port}/", "no connection: Connection refused"),
        ("http://nobody.example/", "the host's name is not known"),
        ("http://user@nobody.example/", "the webhook's URL has to be http://host… or https://host…, with nothing before the host"),
    ],
)
def test_why_there_was_no_answer(url: str, error: str) -> None:
    async def nobody(host: str) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with socket.socket() as closed:  # bound, and it does not listen
        closed.bind(("127.0.0.1", 0))
        sender = Sender([new_secret()], AllowList.parse("127.0.0.1"), resolver=nobody)
        done = asyncio.run(sender.send(url.replace("{port}", str(closed.getsockname()[1])), Message("msg_1", b"{}")))
    assert (done.status, done.succeeded, done.answer, done.error) == (None, False, "", error)


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOMEM])
def test_what_is_our_own_fault_is_no_attempt(number: int) -> None:
    def exhausted(*_: int) -> socket.socket:
        raise OSError(number, "none left")

    sender = Sender([new_secret()], AllowList.parse("127.0.0.1"), make_socket=exhausted)
    with pytest.raises(OSError, match="none left"):
        asyncio.run(sender.send("http://127.0.0.1:9/", Message("msg_1", b"{}")))


def test_a_closed_sender_begins_nothing() -> None:
    async def run() -> None:
        sender = Sender([new_secret()], AllowList())
        await sender.close()
        await sender.send("http://hooks.example/", Message("msg_1", b"{}"))

    with pytest.raises(RuntimeError, match="closed"):
        asyncio.run(run())


def test_names_are_looked_up_once_for_all_who_ask_and_kept_for_a_while() -> None:
    asked: list[str] = []

    def lookup(host: str) -> list[str]:
        asked.append(host)
        return ["10.0.0.1"]

    async def run() -> None:
        names = Names(lookup)
        found = await asyncio.gather(*(names("a.example") for _ in range(5 * KNOWN_THREADS)))
        assert {tuple(addresses) for addresses in found} == {("10.0.0.1",)}
        assert list(await names("a.example")) == ["10.0.0.1"]

    asyncio.run(run())
    assert asked == ["a.example"]


@pytest.mark.parametrize("count", [0, MOST_ADDRESSES + 1])
def test_a_name_with_an_odd_number_of_addresses_has_none(count: int) -> None:
    names = Names(lambda host: ["10.0.0.1"] * count)
    with pytest.raises(OSError, match=f"has {count} addresses"):
        asyncio.run(names("a.example"))


def test_a_failed_lookup_is_made_again() -> None:
    answers = iter([OSError("no"), UnicodeError("label too long"), ["10.0.0.1"]])

    def lookup(host: str) -> list[str]:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def run() -> None:
        names = Names(lookup)
        for words in ("no", "label too long"):
            with pytest.raises(OSError, match=words):
                await names("a.example")
        assert list(await names("a.example")) == ["10.0.0.1"]

    asyncio.run(run())


def test_the_system_knows_localhost() -> None:
    assert set(asyncio.run(Names()("localhost"))) & {"127.0.0.1", "::1"}
