"""Which addresses are public, what an allow-list opens, and how a URL has to be written."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from loa.errors import InvalidSetting, InvalidWebhook
from loa.settings import Settings
from loa.webhooks.addresses import LONGEST_URL, AllowList, Target, check_url, is_public, never_listed

PUBLIC = ["1.1.1.1", "8.8.8.8", "93.184.216.34", "9.9.9.9", "::ffff:8.8.8.8", "2606:4700::1111", "2a00:1450:4001::8a", "2400:cb00::1"]
NOT_PUBLIC = [
    *("0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.0.1", "172.16.0.1", "172.31.255.255"),
    *("192.0.0.1", "192.0.0.9", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.1.1", "192.175.48.1", "198.18.0.1", "198.51.100.1"),
    *("203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"),
    *(
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::808:808",
        "64:ff9b::a9fe:a9fe",
    ),
    *("64:ff9b:1::1", "100::1", "2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:20::1", "2001:db8::1", "2002:a9fe:a9fe::"),
    *("2002:808:808::1", "3fff::1", "4000::1", "5f00::1", "fc00::1", "fd12:3456::1", "fe80::1", "fec0::1", "ff02::1"),
]
METADATA = [
    *("169.254.169.254", "169.254.170.2", "169.254.170.23", "169.254.42.42", "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254"),
    *("fd00:42::42", "100.100.100.200", "100.96.0.96", "168.63.129.16", "192.0.0.192", "::ffff:169.254.169.254", "::ffff:168.63.129.16"),
]
DISGUISED = ["64:ff9b::a9fe:a9fe", "64:ff9b:1:a9fe:a9:fe00::", "2002:a9fe:a9fe::", "2001:0:1:2:3:4:5601:5601", "::169.254.169.254"]
EVERYTHING = AllowList.parse("0.0.0.0/0 ::/0 any.example 169.0.0.0/8 168.63.0.0/16 fd00::/8 100.96.0.0/11 64::/16 2000::/3")


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses(address: str) -> None:
    assert is_public(ip_address(address))
    assert AllowList().permits("any.example", ip_address(address), 443)


@pytest.mark.parametrize("address", NOT_PUBLIC + METADATA)
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(ip_address(address))
    assert not AllowList().permits("any.example", ip_address(address), 443)


@pytest.mark.parametrize("address", METADATA + DISGUISED)
def test_metadata_services_stay_closed_whatever_is_listed(address: str) -> None:
    assert never_listed(ip_address(address))
    assert not EVERYTHING.permits("any.example", ip_address(address), 80)
    with pytest.raises(InvalidSetting, match="LOA_WEBHOOK_ALLOW has"):
        AllowList.parse(address)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "10.1.2.3", "192.168.1.1", "fd12:3456::1", "::ffff:10.0.0.1", "0.0.0.0"])
def test_everything_else_may_be_listed(address: str) -> None:
    assert EVERYTHING.permits("any.example", ip_address(address), 80)
    assert EVERYTHING.permits("other.example", ip_address(address), 80)


@pytest.mark.parametrize(
    ("entry", "opens", "leaves"),
    [
        ("hooks.lan", ("hooks.lan", "10.0.0.1", 80), ("other.lan", "10.0.0.1", 80)),
        ("HOOKS.lan.", ("hooks.LAN.", "10.0.0.1", 80), ("xhooks.lan", "10.0.0.1", 80)),
        ("hooks.lan:8080", ("hooks.lan", "10.0.0.1", 8080), ("hooks.lan", "10.0.0.1", 80)),
        ("10.0.0.0/8", ("hooks.lan", "10.255.0.1", 80), ("hooks.lan", "127.0.0.1", 80)),
        ("10.0.0.0/8", ("10.0.0.1", "::ffff:10.0.0.1", 80), ("hooks.lan", "192.168.0.1", 80)),
        ("10.0.0.1", ("10.0.0.1", "10.0.0.1", 9), ("10.0.0.2", "10.0.0.2", 9)),
        ("10.0.0.1:9", ("10.0.0.1", "10.0.0.1", 9), ("10.0.0.1", "10.0.0.1", 10)),
        ("10.0.0.0/8:9", ("10.0.0.1", "10.0.0.1", 9), ("10.0.0.1", "10.0.0.1", 10)),
        ("::1", ("localhost", "::1", 80), ("localhost", "127.0.0.1", 80)),
        ("[::1]:8080", ("localhost", "::1", 8080), ("localhost", "::1", 80)),
        ("fd00::/8", ("a.lan", "fd01::1", 80), ("a.lan", "fc01::1", 80)),
        ("my_service", ("my_service", "172.18.0.2", 80), ("my-service", "172.18.0.2", 80)),
    ],
)
def test_an_entry_opens_what_it_names_and_no_more(entry: str, opens: tuple[str, str, int], leaves: tuple[str, str, int]) -> None:
    allowed = AllowList.parse(f"other.example {entry}")
    for (host, address, port), permitted in ((opens, True), (leaves, False)):
        assert allowed.permits(host, ip_address(address), port) is permitted


@pytest.mark.parametrize(
    "entry",
    [
        *(
            "10.0.0.5/8",
            "10.0.0.0/33",
            "http://hooks.lan",
            "hooks.lan:0",
            "hooks.lan:65536",
            "hooks.lan:http",
            "*.lan",
            "a:b:c",
            "[hooks.lan]:80",
        ),
        *(
            "127.1",
            "2130706433",
            "0x7f000001",
            "0177.0.0.1",
            "256.1.1.1",
            "::ffff:10.0.0.1",
            "::ffff:0:0/96",
            "hooks..lan",
            "-",
            ":80",
            "bücher.lan",
        ),
        *("metadata.google.internal", "Metadata.Google.Internal.:80", "instance-data", "169.254.169.254:80", "[fd00:ec2::254]:80"),
        *("169.254.0.0/16", "169.254.169.0/24", "fe80::/10", "64:ff9b::/96", "64:ff9b::/112", "2002::/16", "::a9fe:0/112"),
    ],
)
def test_a_bad_entry_stops_the_start_and_is_named(entry: str) -> None:
    with pytest.raises(InvalidSetting) as told:
        Settings.load({"LOA_WEBHOOK_ALLOW": f"hooks.lan {entry}"})
    assert told.value.message.startswith(f"LOA_WEBHOOK_ALLOW has '{entry}'")


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("http://hooks.example", ("http", "hooks.example", 80)),
        ("https://hooks.example/a/b?c=d&e=%20#f", ("https", "hooks.example", 443)),
        ("HTTPS://Hooks.Example.:8443/", ("https", "hooks.example", 8443)),
        ("http://xn--bcher-kva.example?x", ("http", "xn--bcher-kva.example", 80)),
        ("http://1.2.3.4:65535/", ("http", "1.2.3.4", 65535)),
        ("https://[2606:4700::1111]/", ("https", "2606:4700::1111", 443)),
        ("http://localhost:1", ("http", "localhost", 1)),
        ("http://a_b-c.1d.e2", ("http", "a_b-c.1d.e2", 80)),
        ("http://hooks.example/@:80", ("http", "hooks.example", 80)),
    ],
)
def test_what_a_url_names(url: str, target: tuple[str, str, int]) -> None:
    scheme, host, port = target
    assert check_url(url) == Target(scheme=scheme, host=host, port=port)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://h.example/" + "a" * LONGEST_URL, "it takes 2048"),
        ("http://hooks.example/a b", "visible ASCII"),
        ("http://hooks.example/\r\nHost: x", "visible ASCII"),
        ("http://hooks.example\\@127.0.0.1/", "visible ASCII"),
        ("http://bücher.example/", "xn--"),
        ("ftp://hooks.example/", "http://host"),
        ("hooks.example/", "http://host"),
        ("", "http://host"),
        ("http://user:word@hooks.example/", "nothing before the host"),
        ("http://user@hooks.example/", "nothing before the host"),
        ("http://hooks.example:eighty/", "http://host"),
        ("http://hooks.example:0/", "port 0"),
        ("http://hooks.example:65536/", "port 65536"),
        ("http:///path", "no proper host"),
        ("http://hooks..example/", "no proper host"),
        ("http://2130706433/", "no proper host"),
        ("http://0x7f000001/", "no proper host"),
        ("http://127.1/", "no proper host"),
        ("http://127.0.0.1./", "no proper host"),
        ("http://010.0.0.1/", "no proper host"),
        ("http://[::1%25lo]/", "http://host"),
        ("http://[127.0.0.1]/", "http://host"),
        (f"http://{'a' * 64}.example/", "no proper host"),
    ],
)
def test_a_url_that_is_refused_as_it_is_written(url: str, words: str) -> None:
    with pytest.raises(InvalidWebhook, match=words):
        check_url(url)


def test_an_address_that_cannot_be_reached_is_refused_at_once_and_a_name_later() -> None:
    with pytest.raises(InvalidWebhook, match="not public"):
        check_url("http://127.0.0.1:8080/", AllowList())
    with pytest.raises(InvalidWebhook, match="not public"):
        check_url("http://127.0.0.1:8080/", AllowList.parse("127.0.0.1:9"))
    check_url("http://127.0.0.1:8080/", AllowList.parse("127.0.0.0/8"))
    check_url("http://localhost:8080/", AllowList())
