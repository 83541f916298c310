"""Where webhooks may go: public addresses, and what LOA_WEBHOOK_ALLOW lists: the rules that keep a URL from reaching into the house.

A URL is checked twice. `check_url` looks at how it is written, when it is submitted; `AllowList.permits` decides about every single address
at the moment a connection to it is made (loa/webhooks/sender.py), because what a name resolves to changes.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from loa.errors import InvalidSetting, InvalidWebhook

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

LONGEST_URL = 2048  # characters
PORTS = {"http": 80, "https": 443}  # schemes, and the port that each means


def _networks(*texts: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(text) for text in texts)


# What `is_global` of some Python versions takes for public, and is not: protocol assignments, relays of 6to4, AS112.
_NOT_PUBLIC_V4 = _networks("192.0.0.0/24", "192.88.99.0/24", "192.175.48.0/24")
# All that was ever assigned for the public is in 2000::/3; out of it go protocols (Teredo is one), documentation (twice), and 6to4.
_PUBLIC_V6 = IPv6Network("2000::/3")
_NOT_PUBLIC_V6 = _networks("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")

# Where clouds give out the credentials of a machine. All of link-local, because each cloud has its own address in it.
METADATA = _networks(
    "169.254.0.0/16",  # AWS, Google, Azure, Oracle, OpenStack and others; tasks and pods of AWS
    "fe80::/10",
    "fd00:ec2::/32",  # AWS over IPv6
    "fd20:ce::/32",  # Google over IPv6
    "fd00:42::42/128",  # Scaleway over IPv6
    "100.100.100.200/32",  # Alibaba
    "100.96.0.96/32",  # Volcano Engine
    "168.63.129.16/32",  # Azure's host, at an address that looks public
    "192.0.0.192/32",  # Oracle, the older one
)
METADATA_NAMES = ("metadata", "metadata.google.internal", "metadata.tencentyun.com", "instance-data", "instance-data.ec2.internal")
# Ways to write an IPv4 address inside an IPv6 address (NAT64, 6to4, Teredo, compatible): whoever lists one of them lists what is behind it.
TRANSLATED = _networks("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96")
_MAPPED = IPv6Network("::ffff:0:0/96")
_THIS_MACHINE = _networks("::/128", "::1/128")  # in ::/96, but an address of its own

_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")
_NUMERIC = re.compile(r"(?:.*\.)?(?:[0-9]+|0[xX][0-9A-Fa-f]*)")  # the last label says so: such a host is an address, or nothing
_URL = re.compile(
    r"(?P<scheme>[A-Za-z]+)://(?P<host>\[[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*\]|[^\[\]/?#:@]*)(?::(?P<port>[0-9]{1,5}))?(?P<rest>[/?#].*)?"
)


@dataclass(frozen=True, kw_only=True)
class Target:
    """What a URL names: the scheme in small letters, the host without brackets and without a dot at its end, the port."""

    scheme: str
    host: str
    port: int


def is_public(address: Address) -> bool:
    """Whether anybody on the internet may have `address`: no private network, nothing reserved, no tunnel, no metadata service."""
    address = unmapped(address)
    if any(address in network for network in METADATA):
        return False
    if isinstance(address, IPv4Address):
        return address.is_global and not address.is_multicast and not any(address in network for network in _NOT_PUBLIC_V4)
    return address in _PUBLIC_V6 and not any(address in network for network in _NOT_PUBLIC_V6)


def unmapped(address: Address) -> Address:
    """The IPv4 address that `::ffff:a.b.c.d` stands for; any other as it is."""
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def never_listed(address: Address) -> bool:
    """Whether no allow-list may open `address`: a metadata service, or an IPv4 address in disguise."""
    address = unmapped(address)
    disguised = any(address in network for network in TRANSLATED) and not any(address in network for network in _THIS_MACHINE)
    return disguised or any(address in network for network in METADATA)


@dataclass(frozen=True, kw_only=True)
class _Entry:
    """One entry of the allow-list: a name or a network, on one port or on all."""

    name: str = ""
    network: Network | None = None
    port: int | None = None

    def covers(self, host: str, address: Address, port: int) -> bool:
        if self.port not in (None, port):
            return False
        return address in self.network if self.network is not None else host == self.name


@dataclass(frozen=True)
class AllowList:
    """What webhooks may reach beside public addresses."""

    entries: tuple[_Entry, ...] = ()

    @classmethod
    def parse(cls, text: str) -> AllowList:
        """Entries separated by blanks: `host`, `host:port`, an address with or without a port, a network as `10.0.0.0/8`.

        Raises InvalidSetting, also for metadata services.
        """
        return cls(tuple(_entry(part) for part in text.split()))

    def permits(self, host: str, address: Address, port: int) -> bool:
        """Whether a webhook for `host` may connect to `address` (one of those that the name has) and `port`."""
        address, host = unmapped(address), _folded(host)
        if is_public(address):
            return True
        return not never_listed(address) and any(entry.covers(host, address, port) for entry in self.entries)


def check_url(url: str, allowed: AllowList | None = None) -> Target:
    """What `url` names, if webhooks can be sent to it as it is written; no name is looked up.

    With `allowed`, an address that may not be reached is refused here already. Raises InvalidWebhook.
    """
    if len(url) > LONGEST_URL:
        raise InvalidWebhook(f"the webhook's URL has {len(url)} characters; it takes {LONGEST_URL}")
    if not all("!" <= character <= "~" for character in url) or "\\" in url:
        raise InvalidWebhook(
            "the webhook's URL takes visible ASCII characters only: write %20 for a blank, xn--… for a host in other letters"
        )
    parts = _URL.fullmatch(url)
    scheme = parts["scheme"].lower() if parts else ""
    if parts is None or scheme not in PORTS:
        raise InvalidWebhook("the webhook's URL has to be http://host… or https://host…, with nothing before the host")
    port = int(parts["port"] or PORTS[scheme])
    if not 1 <= port <= 65535:
        raise InvalidWebhook(f"the webhook's URL names port {port}; there are 1 to 65535")
    host = parts["host"].strip("[]").lower()
    if (address := _literal(host)) is None and not _is_name(host := _folded(host)):
        raise InvalidWebhook("the webhook's URL has no proper host: a name, four decimal numbers, or an IPv6 address in brackets")
    if allowed is not None and address is not None and not allowed.permits(host, address, port):
        raise InvalidWebhook("the webhook's URL names an address that is not public; LOA_WEBHOOK_ALLOW may list it", host=host)
    return Target(scheme=scheme, host=host, port=port)


def _entry(text: str) -> _Entry:
    port: int | None = None
    host = text
    if match := re.fullmatch(r"(\[[^\[\]]*:[^\[\]]*\]|[^\[\]:]+):([0-9]{1,5})", text):
        host, port = match[1], int(match[2])
        if not 1 <= port <= 65535:
            raise InvalidSetting(f"LOA_WEBHOOK_ALLOW has {text!r}; ports are 1 to 65535")
    host = _folded(host[1:-1] if host.startswith("[") and host.endswith("]") else host)
    try:
        network = ipaddress.ip_network(host)
    except ValueError as error:
        if "/" in host:
            raise InvalidSetting(f"LOA_WEBHOOK_ALLOW has {text!r}, which is no network: {error}") from None
        return _Entry(name=_listed_name(host, text), port=port)
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        raise InvalidSetting(f"LOA_WEBHOOK_ALLOW has {text!r}; write IPv4 addresses as four decimal numbers")
    if _inside(network, METADATA) or (_inside(network, TRANSLATED) and not _inside(network, _THIS_MACHINE)):
        raise _never(text)
    return _Entry(network=network, port=port)


def _listed_name(host: str, text: str) -> str:
    if host in METADATA_NAMES:
        raise _never(text)
    if not _is_name(host):
        raise InvalidSetting(f"LOA_WEBHOOK_ALLOW has {text!r}; it takes hosts, hosts with a port, and networks such as 10.0.0.0/8")
    return host


def _inside(network: Network, others: tuple[Network, ...]) -> bool:
    return any(network.version == other.version and network.subnet_of(other) for other in others)  # type: ignore[arg-type]


def _never(text: str) -> InvalidSetting:
    return InvalidSetting(f"LOA_WEBHOOK_ALLOW has {text!r}: it is, or may lead to, a metadata service that gives out credentials")


def _is_name(host: str) -> bool:
    return bool(_NAME.fullmatch(host)) and not _NUMERIC.fullmatch(host)


def _folded(host: str) -> str:
    return host.lower().removesuffix(".")


def _literal(host: str) -> Address | None:
    """The address that `host` writes in full, in the one way that every program reads alike."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
