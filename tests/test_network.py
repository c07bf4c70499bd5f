"""The door to the network: what it asks, what it takes, and everything that it turns back."""

from __future__ import annotations

import gzip
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpcore
import pytest
import trustme
from address_server import QUICK, Answer, Server
from hypothesis import example, given
from hypothesis import strategies as st

from geo.automation.address_guard import Deadline, Guard, is_public
from geo.automation.network import Limits, Network, check_contact, check_url, refuse_other_kind, retry_after, unpacked
from geo.errors import BusyError, FetchError, UsageError
from geo.storage.atomic_write import locked

WHO = "desk@example.org"
GOOD = b'{"type": "FeatureCollection", "features": []}'


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture
def network() -> Iterator[Network]:
    with Network(WHO, limits=QUICK, loopback=True) as open_network:
        yield open_network


# -- what may be asked ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "contact", ["", None, "desk", "a b@c.org", "desk@example.org\r\nX: y", "http://example.org", "ü@x.org"]
)
def test_a_contact_is_wanted_and_is_one(contact: str | None) -> None:
    with pytest.raises(UsageError, match="contact|write to about"):
        Network(contact)


@pytest.mark.parametrize("contact", ["desk@example.org", " https://example.org/desk "])
def test_a_contact_is_an_address_that_answers(contact: str) -> None:
    assert check_contact(contact) == contact.strip()


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/a", "ftp://example.org/a", "file:///etc/passwd", "https:///a", "https://me:secret@example.org/",
        "//example.org/a", "example.org", "javascript:alert(1)", "https://exa mple.org/", "http://127.0.0.1/",
    ],
)  # fmt: skip
def test_only_https_without_a_password_is_asked(url: str) -> None:
    with pytest.raises(UsageError):
        check_url(url)


def test_plain_http_goes_to_this_machine_alone_and_only_on_purpose() -> None:
    assert check_url("http://127.0.0.1:8000/a", loopback=True).port == 8000
    with pytest.raises(UsageError, match="only https"):
        check_url("http://example.org/a", loopback=True)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.9.10", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "0.0.0.0",
        "100.64.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1", "198.18.0.1", "192.0.2.1", "::1", "::", "fe80::1",
        "fe80::1%eth0", "fc00::1", "fd12:3456::1", "fec0::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:a9fe:a9fe",
        "64:ff9b::7f00:1", "64:ff9b::a00:1", "2002:7f00:1::", "2002:c0a8:101::1", "::127.0.0.1", "2001:db8::1",
    ],
)  # fmt: skip
def test_private_addresses_are_known_in_every_dress(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "172.32.0.1", "185.199.108.133", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_public_addresses_are_let_through(address: str) -> None:
    assert is_public(address)


class _Dialled(httpcore.NetworkBackend):
    def __init__(self) -> None:
        self.addresses: list[str] = []

    def connect_tcp(self, host: str, port: int, *_: Any, **__: Any) -> httpcore.NetworkStream:
        self.addresses.append(host)
        return httpcore.MockStream([])


def test_a_name_is_looked_up_once_and_that_address_is_dialled() -> None:
    """A server of names that answers otherwise the second time (rebinding) is never asked a second time."""
    told = iter([["93.184.215.14"], ["127.0.0.1"]])
    wire = _Dialled()
    guard = Guard(wire, resolve=lambda host, port: next(told), loopback=False, clock=Deadline())
    guard.connect_tcp("rebinding.example", 443)
    assert wire.addresses == ["93.184.215.14"]
    with pytest.raises(FetchError, match="not on the public internet"):
        guard.connect_tcp("rebinding.example", 443)
    assert wire.addresses == ["93.184.215.14"]


@pytest.mark.parametrize("found", [["10.0.0.7"], ["93.184.215.14", "192.168.0.1"], ["::ffff:127.0.0.1"], ["fe80::1%2"]])
def test_a_name_that_leads_inside_is_not_dialled(found: list[str]) -> None:
    wire = _Dialled()
    guard = Guard(wire, resolve=lambda host, port: found, loopback=True, clock=Deadline())
    with pytest.raises(FetchError, match="not on the public internet"):
        guard.connect_tcp("intranet.example", 443)
    assert not wire.addresses


@pytest.mark.parametrize("host", ["127.1", "0x7f.1", "2130706433", "localhost", "[::1]"])
def test_this_machine_is_not_asked_by_any_of_its_names(host: str, tmp_path: Path) -> None:
    with Network(WHO, limits=QUICK) as network, pytest.raises(FetchError, match="public internet|cannot be reached"):
        network.fetch(f"https://{host}/a", tmp_path / "a")


# -- what is taken -------------------------------------------------------------------------------------------------


def test_a_file_comes_whole_with_its_hash_and_we_say_who_we_are(
    server: Server, network: Network, tmp_path: Path
) -> None:
    url = server.give(
        "/a.json", Answer(GOOD, headers={"ETag": '"1"', "Last-Modified": "Sat, 11 Jan 2025 10:00:00 GMT"})
    )
    landed = network.fetch(url, tmp_path / "a", kind="json")
    assert (tmp_path / "a").read_bytes() == GOOD
    assert (landed.outcome, landed.bytes, landed.sha256) == ("new", len(GOOD), sha256(GOOD).hexdigest())
    assert (landed.etag, landed.last_modified) == ('"1"', "Sat, 11 Jan 2025 10:00:00 GMT")
    assert abs(landed.retrieved - datetime.now(UTC)) < timedelta(minutes=1)
    agent = server.asked[0][1]["User-Agent"]
    assert agent.startswith("geo-control/")
    assert WHO in agent


def test_asked_again_with_what_it_said_the_server_may_say_that_nothing_changed(
    server: Server, network: Network, tmp_path: Path
) -> None:
    url = server.give("/a.json", Answer(GOOD, headers={"ETag": '"1"'}))
    assert network.fetch(url, tmp_path / "a", etag='"1"').outcome == "unchanged"
    assert network.fetch(url, tmp_path / "a", etag='"0"').outcome == "new"
    assert network.fetch(server.url + "/none", tmp_path / "b").outcome == "missing"
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize("bad", [Answer(b"", 500), Answer(b"", 503), Answer(b"", 429), Answer(GOOD, how="truncated"),
                                 Answer(GOOD, how="gzip_broken"), Answer(how="silent")], ids=str)  # fmt: skip
def test_a_fault_that_passes_is_waited_out(bad: Answer, server: Server, network: Network, tmp_path: Path) -> None:
    url = server.give("/a.json", bad, bad, GOOD)
    assert network.fetch(url, tmp_path / "a", kind="json").outcome == "new"
    assert (tmp_path / "a").read_bytes() == GOOD
    assert server.count("/a.json") == 3


FAULTS = {
    "500": (Answer(b"oh", 500), "status 500, 3 times", 3),
    "403": (Answer(b"no", 403), "status 403.*key", 1),
    "truncation": (Answer(GOOD, how="truncated"), "breaks off", 3),
    "silence": (Answer(how="silent"), "no answer in time", 3),
    "broken packing": (Answer(GOOD, how="gzip_broken"), "damaged", 3),
    "html": (Answer(b"<!DOCTYPE html><title>Sorry</title>"), "HTML page", 1),
    "html by its type": (Answer(b"{}", headers={"Content-Type": "text/html; charset=utf-8"}), "HTML page", 1),
    "another type": (Answer(b"PK\x03\x04 and so on"), "something else came instead of json", 1),
    "half of it": (Answer(GOOD[:-1]), "something else came instead of json", 1),
    "nothing": (Answer(b""), "nothing came", 1),
    "endless": (Answer(how="endless"), "past the limit of 4,194,304 bytes", 1),
    "too large": (Answer(b"{}", headers={"Content_Length": "9999999999"}, how="truncated"), "past the limit", 1),
    "bomb": (Answer(bytes(6 << 20), how="gzip"), "past the limit of 4,194,304 bytes", 1),
    "another packing": (Answer(b"{}", headers={"Content-Encoding": "br"}), "not asked for", 1),
    "circle": (Answer(status=302, headers={"Location": "/a.json"}), "in a circle", 1),
    "elsewhere": (Answer(status=302, headers={"Location": "https://example.org/a"}), "another host", 1),
    "inside": (Answer(status=302, headers={"Location": "http://169.254.169.254/latest/meta-data"}), "another host", 1),
    "another port": (Answer(status=307, headers={"Location": "http://127.0.0.1:1/a"}), "another host", 1),
    "a file": (Answer(status=302, headers={"Location": "file:///etc/passwd"}), "another host", 1),
    "other slashes": (Answer(status=302, headers={"Location": "//example.org/a"}), "another host", 1),
    "come back": (Answer(status=429, headers={"Retry-After": "86400"}), "come back in 86400 seconds", 1),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_that_stays_is_named_and_leaves_nothing(
    name: str, server: Server, network: Network, tmp_path: Path
) -> None:
    answer, words, times = FAULTS[name]
    url = server.give("/a.json", answer)
    with pytest.raises(FetchError, match=words):
        network.fetch(url, tmp_path / "a", kind="json")
    assert not list(tmp_path.iterdir())
    assert server.count("/a.json") == times


@pytest.mark.parametrize("how", ["drip", "drip_head"])
def test_an_answer_that_drips_ends_in_time(how: str, server: Server, tmp_path: Path) -> None:
    url = server.give("/a.json", Answer(GOOD * 100, how=how))
    limits = Limits(read_seconds=0.5, file_seconds=0.3, attempts=1)
    with Network(WHO, limits=limits, loopback=True) as network, pytest.raises(FetchError, match="in time"):
        network.fetch(url, tmp_path / "a")
    assert not list(tmp_path.iterdir())


def test_redirects_on_the_same_host_are_followed_a_few_times(server: Server, network: Network, tmp_path: Path) -> None:
    for n in range(8):
        server.give(f"/r{n}", Answer(status=302, headers={"Location": f"/r{n + 1}"}))
    server.give("/r8", GOOD)
    assert network.fetch(server.url + "/r3", tmp_path / "a").outcome == "new"
    with pytest.raises(FetchError, match="more than 5 times"):
        network.fetch(server.url + "/r0", tmp_path / "b")


def test_a_run_takes_in_so_much_and_no_more(server: Server, tmp_path: Path) -> None:
    url = server.give("/a.json", b"{" + b" " * 600_000 + b"}")
    with Network(WHO, limits=Limits(total_bytes=1_000_000, pause_seconds=0), loopback=True) as network:
        network.fetch(url, tmp_path / "a")
        with pytest.raises(FetchError, match="for one run"):
            network.fetch(url, tmp_path / "b")


def test_the_server_is_given_the_time_that_it_asks_for(server: Server, tmp_path: Path) -> None:
    slept: list[float] = []
    later = (datetime.now(UTC) + timedelta(seconds=30)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    url = server.give(
        "/a", Answer(status=429, headers={"Retry-After": "7"}), Answer(status=503, headers={"Retry-After": later}),
        Answer(status=503), GOOD,
    )  # fmt: skip
    with Network(WHO, limits=Limits(pause_seconds=1.5), loopback=True, sleep=slept.append) as network:
        network.fetch(url, tmp_path / "a")
    assert slept[0] == 7
    assert 20 < slept[2] <= 30
    assert slept[1::2] == [1.5, 1.5, 1.5]
    assert slept[4] == 4.0


@given(st.text(max_size=30))
@example("0\x1f")
def test_any_retry_after_is_a_time_or_nothing(text: str) -> None:
    found = retry_after(text, now=datetime(2025, 1, 11, tzinfo=UTC))
    assert found is None or found >= 0


@given(st.binary(max_size=5000), st.lists(st.integers(1, 700), max_size=30))
def test_a_packed_body_is_the_body_however_it_is_cut(body: bytes, cuts: list[int]) -> None:
    packed, pieces = gzip.compress(body), []
    for cut in cuts:
        pieces.append(packed[:cut])
        packed = packed[cut:]
    assert b"".join(unpacked([*pieces, packed], "gzip")) == body


def test_a_bomb_is_unpacked_in_small_steps() -> None:
    bomb = gzip.compress(bytes(50 << 20))
    assert max(len(piece) for piece in unpacked([bomb], "gzip")) <= 256 * 1024


@pytest.mark.parametrize(("kind", "body"), [("json", b"\xef\xbb\xbf [1]\n"), ("kml", b'<?xml version="1.0"?><kml></kml>'),
                                            ("any", b"x"), ("zip", b"PK\x03\x04" + bytes(40) + b"PK\x05\x06" + bytes(18))])  # fmt: skip
def test_each_kind_is_known(kind: Any, body: bytes, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(body)
    refuse_other_kind(tmp_path / "a", kind)
    (tmp_path / "a").write_bytes(b"<html>" + body)
    with pytest.raises(FetchError, match="HTML"):
        refuse_other_kind(tmp_path / "a", kind)


# -- TLS -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


def _secure(authority: trustme.CA, name: str) -> Server:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return Server(tls=context)


def test_a_good_certificate_is_taken_and_an_unknown_one_is_not(authority: trustme.CA, tmp_path: Path) -> None:
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    with _secure(authority, "localhost") as server:
        url = server.give("/a.json", Answer(status=302, headers={"Location": "/b.json"}))
        server.give("/b.json", Answer(GOOD, how="gzip"))
        with Network(WHO, limits=QUICK, loopback=True, tls=trusting) as network:
            assert network.fetch(url, tmp_path / "a", kind="json").bytes == len(GOOD)
        with Network(WHO, limits=QUICK, loopback=True) as network, pytest.raises(FetchError, match="certificate"):
            network.fetch(url, tmp_path / "b")


def test_the_certificate_must_be_of_the_host_that_was_named(authority: trustme.CA, tmp_path: Path) -> None:
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    with _secure(authority, "other.example") as server:
        url = server.give("/a.json", GOOD)
        with (
            Network(WHO, limits=QUICK, loopback=True, tls=trusting) as network,
            pytest.raises(FetchError, match="certificate"),
        ):
            network.fetch(url, tmp_path / "a")


def test_https_is_not_left_for_http(authority: trustme.CA, tmp_path: Path) -> None:
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    with _secure(authority, "localhost") as server:
        url = server.give("/a", Answer(status=301, headers={"Location": f"http://localhost:{server.port}/b"}))
        with (
            Network(WHO, limits=QUICK, loopback=True, tls=trusting) as network,
            pytest.raises(FetchError, match="another host"),
        ):
            network.fetch(url, tmp_path / "a")


# -- one run at a time ---------------------------------------------------------------------------------------------


def test_the_second_of_two_runs_is_told_of_the_first(tmp_path: Path) -> None:
    lock = tmp_path / "x" / ".lock"
    words = r"the second: another run .*process \d+"
    with locked(lock, "the first"), pytest.raises(BusyError, match=words), locked(lock, "the second"):
        pass
    with locked(tmp_path / "x" / ".lock", "the third"):
        assert (tmp_path / "x" / ".lock").exists()
