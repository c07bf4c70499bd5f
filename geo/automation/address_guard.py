"""Whom a connection may reach: a host's address is looked at once, and the very one that was looked at is dialled."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Iterable
from typing import Any

import httpcore

from geo.errors import FetchError

Resolve = Callable[[str, int], list[str]]
LOOPBACK_NAMES = frozenset(("localhost", "127.0.0.1", "::1"))
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_COMPATIBLE = ipaddress.ip_network("::/96")


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet, also by the address that it wraps."""
    found = ipaddress.ip_address(address.partition("%")[0])
    return all(
        one.is_global
        and not (one.is_multicast or one.is_reserved or one.is_unspecified or one.is_loopback or one.is_link_local)
        and not getattr(one, "is_site_local", False)
        for one in _wrapped(found)
    )


def _wrapped(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """The address that packets would reach: what an IPv6 address wraps of IPv4, else the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    if address in _NAT64 or address in _COMPATIBLE:
        return [ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)]
    if address.sixtofour is not None:
        return [address, address.sixtofour]
    if address.teredo is not None:
        return [address, *address.teredo]
    return [address]


def resolved(host: str, port: int) -> list[str]:
    """The IP addresses of a host, in the order in which the system prefers them."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


class Deadline:
    """The time left for one answer, whichever connection carries it."""

    def __init__(self) -> None:
        self.ends = float("inf")

    def cut(self, timeout: float | None) -> float:
        """A time-out that does not reach beyond the end."""
        left = self.ends - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("the answer takes too long in all")
        return left if timeout is None else min(left, timeout)


class _Stream(httpcore.NetworkStream):
    """A connection on which no read lasts longer than the answer may take in all."""

    def __init__(self, inner: httpcore.NetworkStream, clock: Deadline) -> None:
        self._inner = inner
        self._clock = clock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._clock.cut(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._clock.cut(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, self._clock.cut(timeout)), self._clock)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class Guard(httpcore.NetworkBackend):
    """Connects to the very address that was looked at: a name that points elsewhere a moment later changes nothing."""

    def __init__(
        self, inner: httpcore.NetworkBackend, *, resolve: Resolve, loopback: bool, clock: Deadline,
        proxy: tuple[str, int] | None = None,
    ) -> None:  # fmt: skip
        self._inner = inner
        self._proxy = proxy  # the user's own, which may be anywhere: all connections go there
        self._resolve = resolve
        self._loopback = loopback
        self._clock = clock

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:  # fmt: skip
        """A connection to the first of the host's addresses that answers, all of which must be public."""
        failed: Exception = httpcore.ConnectError(f"no address of {host}")
        for address in self._looked_at(host, port):
            try:
                inner = self._inner.connect_tcp(address, port, self._clock.cut(timeout), local_address, socket_options)
                return _Stream(inner, self._clock)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed

    def _looked_at(self, host: str, port: int) -> list[str]:
        host = host.strip("[]")
        try:
            addresses = self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"no such host: {host} ({error})") from error
        if (host, port) == self._proxy:
            return addresses
        self._refuse_inside(host, addresses)
        return addresses

    def look_at(self, host: str, port: int) -> None:
        """Refuse a host that leads inside, as far as that can be told here; what is not known here the proxy finds."""
        try:
            addresses = self._resolve(host.strip("[]"), port)
        except (OSError, UnicodeError):
            return
        self._refuse_inside(host.strip("[]"), addresses)

    def _refuse_inside(self, host: str, addresses: list[str]) -> None:
        own = self._loopback and host in LOOPBACK_NAMES
        for address in addresses:
            good = ipaddress.ip_address(address.partition("%")[0]).is_loopback if own else is_public(address)
            if not good:
                raise FetchError(f"{host} leads to {address}, which is not on the public internet: not asked")
