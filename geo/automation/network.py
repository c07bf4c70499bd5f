"""The only door to the network: one address to one file, by https, within limits, from a public host and no other."""

from __future__ import annotations

import os
import re
import ssl
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self
from urllib.parse import quote, quote_plus

import httpcore
import httpx
import orjson

from geo.automation.address_guard import LOOPBACK_NAMES, Deadline, Guard, Resolve, resolved
from geo.errors import FetchError, UsageError

if TYPE_CHECKING:
    from geo.automation.addresses import Account

MIB = 1 << 20

_CONTACT = re.compile(r"(?<![^\s@<>()])[^\s@<>()]+@[^\s@<>()]+\.[^\s@<>()]+|https://[^\s<>()]+")
_HOST = re.compile(r"[a-z0-9_.\-]+|[0-9a-f:.]+", re.IGNORECASE)
_REDIRECTS = (301, 302, 303, 307, 308)
_HOPS = 5
_FORM = 100_000  # bytes of an answer to a form
_SAYS = "; the server says: "
_BUSY = (408, 429, 500, 502, 503, 504)


@dataclass(frozen=True)
class Limits:
    """How much and how long: a file past one of these is refused, never cut."""

    file_bytes: int = 64 * MIB
    total_bytes: int = 1024 * MIB
    connect_seconds: float = 10.0
    read_seconds: float = 20.0
    file_seconds: float = 120.0
    attempts: int = 4
    wait_seconds: float = 60.0
    backoff_seconds: float = 1.0
    pause_seconds: float = 1.0


@dataclass(frozen=True)
class FetchedResponse:
    outcome: Literal["new", "unchanged", "missing"]
    retrieved: datetime
    bytes: int = 0
    sha256: str = ""
    etag: str = ""
    last_modified: str = ""


def check_contact(contact: str | None) -> str:
    """Whom a source can write to about our requests: an e-mail address or an https address."""
    text = (contact or "").strip()
    if not text:
        raise UsageError(
            "whom can the source write to about our requests? Say --contact you@example.org, set GEO_CONTACT,"
            ' or write contact = "…" in the configuration'
        )
    if not _CONTACT.fullmatch(text) or not text.isascii() or len(text) > 200:
        raise UsageError(f"contact {text!r}: an e-mail address or an https:// address is wanted")
    return text


def check_url(text: str, *, loopback: bool = False) -> httpx.URL:
    """An address that may be asked: https, a host, no name and password in it."""
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, TypeError, ValueError) as error:
        raise UsageError(f"{text!r} is no address: {error}") from None
    if not _HOST.fullmatch(url.raw_host.decode("ascii", "replace")) or url.userinfo:
        raise UsageError(f"{text!r}: an address with a host and without a name and password is wanted")
    plain = loopback and url.scheme == "http" and url.host in LOOPBACK_NAMES
    if url.scheme != "https" and not plain:
        raise UsageError(f"{text!r}: only https:// is asked; what came by other ways, geo import takes from a file")
    return url


def check_proxy(text: str) -> httpx.URL:
    """The user's own proxy."""
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, TypeError, ValueError):
        url = httpx.URL("")
    if url.scheme not in ("http", "https") or not _HOST.fullmatch(url.raw_host.decode("ascii", "replace")):
        raise UsageError(
            "--proxy: an address such as http://proxy.example.org:3128 is wanted, with NAME:PASSWORD@ if need be"
        )
    return url


def trusting(certificates: Path | None) -> ssl.SSLContext:
    """What certificates are held against: the usual authorities, and those in a file of the user's."""
    context = httpx.create_ssl_context()
    if certificates is not None:
        try:
            context.load_verify_locations(cafile=certificates)
        except (OSError, ssl.SSLError) as error:
            raise UsageError(f"--ca {certificates}: no certificates in PEM that can be read ({error})") from None
    return context


def _port(url: httpx.URL) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


def _words(answer: httpx.Response, *, limit: int = 300) -> str:
    """What a server says beside its status, as far as a line takes it."""
    said = b""
    for piece in unpacked(answer.iter_raw(), answer.headers.get("content-encoding", "")):
        said += piece
        if len(said) > limit:
            break
    text = " ".join(said[:limit].decode("utf-8", "replace").split())
    return f"{_SAYS}{text}" if text else ""


class _Body(httpx.SyncByteStream):
    def __init__(self, inner: Iterable[bytes]) -> None:
        self._inner = inner

    def __iter__(self) -> Iterator[bytes]:
        yield from self._inner

    def close(self) -> None:
        close = getattr(self._inner, "close", None)
        if close is not None:
            close()


class _Transport(httpx.BaseTransport):
    """httpx over a pool whose connections the guard makes; httpx's own transport lets nobody choose them."""

    def __init__(self, pool: httpcore.ConnectionPool) -> None:
        self._pool = pool

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = httpcore.URL(
            scheme=request.url.raw_scheme, host=request.url.raw_host, port=request.url.port, target=request.url.raw_path
        )
        body = None if request.method == "GET" else request.read()
        answer = self._pool.handle_request(
            httpcore.Request(
                request.method, url, headers=request.headers.raw, content=body, extensions=request.extensions
            )
        )
        assert isinstance(answer.stream, Iterable)
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer.stream))

    def close(self) -> None:
        self._pool.close()


class _AgainError(Exception):
    """An attempt failed in a way that the next one may not; `wait` is what the server asked for."""

    def __init__(self, why: str, wait: float | None = None) -> None:
        super().__init__(why)
        self.wait = wait


class Network:
    """Asks addresses, one at a time, and writes what they give into files."""

    def __init__(
        self, contact: str | None, *, limits: Limits | None = None, loopback: bool = False,
        account: Account | None = None, at: str = "", proxy: str | None = None, tls: ssl.SSLContext | None = None,
        resolve: Resolve = resolved, sleep: Callable[[float], None] = time.sleep,
    ) -> None:  # fmt: skip
        from geo import __version__

        self.limits = limits or Limits()
        self.loopback = loopback
        self._sleep = sleep
        self._asked = False
        self._renewed = ""  # the address for which the token was renewed last
        self._taken = 0
        self._clock = Deadline()
        self._account = account
        self._host = httpx.URL(at).host  # the one host to which the account is named
        self._proxy = check_proxy(proxy) if proxy else None
        self._guard = Guard(
            httpcore.SyncBackend(), resolve=resolve, loopback=loopback, clock=self._clock,
            proxy=(self._proxy.host, _port(self._proxy)) if self._proxy else None,
        )  # fmt: skip
        pool = self._pool(tls or httpx.create_ssl_context())
        agent = f"geo-control/{__version__} (contact: {check_contact(contact)})"
        self._client = httpx.Client(
            transport=_Transport(pool), trust_env=False, follow_redirects=False,
            headers={"User-Agent": agent, "Accept": "*/*", "Accept-Encoding": "gzip"},
            timeout=httpx.Timeout(self.limits.read_seconds, connect=self.limits.connect_seconds),
        )  # fmt: skip

    def _pool(self, tls: ssl.SSLContext) -> httpcore.ConnectionPool:
        if self._proxy is None:
            return httpcore.ConnectionPool(ssl_context=tls, network_backend=self._guard)
        url = httpcore.URL(scheme=self._proxy.scheme, host=self._proxy.raw_host, port=_port(self._proxy), target=b"/")
        who = (self._proxy.username, self._proxy.password) if self._proxy.userinfo else None
        return httpcore.HTTPProxy(url, proxy_auth=who, ssl_context=tls, network_backend=self._guard,
                                  proxy_ssl_context=tls if self._proxy.scheme == "https" else None)  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def hide(self, text: str) -> str:
        """A message without the secrets of the account and of the proxy, whoever put them into it."""
        secrets = self._account.secrets if self._account else []
        secrets += [self._proxy.password] if self._proxy and self._proxy.password else []
        for secret in secrets:
            for shown in {secret, quote(secret, safe=""), quote_plus(secret)}:
                text = text.replace(shown, "…")
        return text

    def fetch(
        self, url: str, target: Path, *, kind: Kind = "any", etag: str = "", last_modified: str = ""
    ) -> FetchedResponse:
        """Write what an address gives into a file, which is there only when it is whole and of its kind."""
        headers = {"If-None-Match": etag} if etag else {}
        if last_modified:
            headers["If-Modified-Since"] = last_modified
        for attempt in range(1, self.limits.attempts + 1):
            try:
                return self._once(url, target, kind, headers)
            except _AgainError as error:
                target.unlink(missing_ok=True)
                if attempt == self.limits.attempts:
                    raise FetchError(f"{url}: {error}, {attempt} times: try again later") from error
                backoff = self.limits.backoff_seconds * 2.0 ** (attempt - 1)
                self._sleep(backoff if error.wait is None else error.wait)
            except BaseException:
                target.unlink(missing_ok=True)
                raise
        raise FetchError(f"{url}: not asked: attempts is below 1")

    def read_json(self, url: str, folder: Path) -> Any:
        """What an address gives, as JSON: listings, never maps."""
        target = folder / f".listing.{os.getpid()}.part"
        if self.fetch(url, target, kind="json").outcome == "missing":
            raise FetchError(f"{url}: nothing is there: has the source moved? Its address is a line of a TOML file")
        try:
            return orjson.loads(target.read_bytes())
        except orjson.JSONDecodeError as error:
            raise FetchError(f"{url}: no JSON ({error})") from error
        finally:
            target.unlink(missing_ok=True)

    def _once(self, url: str, target: Path, kind: Kind, headers: dict[str, str]) -> FetchedResponse:
        if self._asked:
            self._sleep(self.limits.pause_seconds)
        self._asked = True
        self._clock.ends = time.monotonic() + self.limits.file_seconds
        where = check_url(url, loopback=self.loopback)
        if self._account is not None and where.host == self._host:
            headers = {**headers, **self._account.headers(self._post)}
        with _explained(url), self._answer(where, headers) as answer:
            retrieved = datetime.now(UTC)
            if answer.status_code == 304 and not {"If-None-Match", "If-Modified-Since"} & headers.keys():
                raise FetchError(f"{url}: the server says that nothing changed, though nothing was had before")
            if answer.status_code == 304:
                return FetchedResponse("unchanged", retrieved, etag=headers.get("If-None-Match", ""))
            if answer.status_code in (404, 410):
                return FetchedResponse("missing", retrieved)
            self._refuse_status(url, answer)
            count, digest = self._write(url, answer, target)
        refuse_other_kind(target, kind, said=answer.headers.get("content-type", ""), url=url)
        said = answer.headers
        return FetchedResponse("new", retrieved, count, digest, said.get("etag", ""), said.get("last-modified", ""))

    @contextmanager
    def _answer(self, url: httpx.URL, headers: dict[str, str]) -> Iterator[httpx.Response]:
        """The answer after redirects, of which none leaves the host."""
        first, seen = url, {url}
        if self._proxy is not None:
            self._guard.look_at(url.host, _port(url))
        for _ in range(_HOPS + 1):
            with self._client.stream("GET", url, headers=headers) as answer:
                if answer.status_code not in _REDIRECTS:
                    yield answer
                    return
                location = answer.headers.get("location", "")
            url = url.join(location)
            if (url.scheme, url.host, url.port) != (first.scheme, first.host, first.port) or url.userinfo:
                raise FetchError(
                    f"{first} redirects to another host, {url.scheme}://{url.host}: not followed. If the source has"
                    " moved, write its new address into the TOML file"
                )
            if url in seen:
                raise FetchError(f"{first} redirects in a circle: the source's own fault; try again later")
            seen.add(url)
        raise FetchError(f"{first} redirects more than {_HOPS} times: not followed")

    def _refuse_status(self, url: str, answer: httpx.Response) -> None:
        status = answer.status_code
        if status in _BUSY:
            wait = retry_after(answer.headers.get("retry-after", ""), now=datetime.now(UTC))
            if wait is not None and wait > self.limits.wait_seconds:
                raise FetchError(f"{url}: the server (status {status}) asks to come back in {wait:.0f} seconds")
            raise _AgainError(f"the server answers with status {status}", wait)
        if status == 407:
            raise FetchError(f"{url}: the proxy wants a name and a password: --proxy http://NAME:PASSWORD@HOST:PORT")
        if status == 401 and self._account is not None and self._renewed != url and self._account.renew(self._post):
            self._renewed = url
            raise _AgainError("the server does not take the token, nor a new one", 0.0)
        if status in (401, 403) and self._account is not None:
            raise FetchError(f"{url}: {self._refusal(self._account, status)}{self.hide(_words(answer))}")
        if status != 200:
            hint = " (does the source now ask for a key?)" if status in (401, 403) else ""
            raise FetchError(f"{url}: the server answers with status {status}{hint}: nothing is taken")

    def _refusal(self, account: Account, status: int) -> str:
        if status == 403:
            return (
                "the source knows the account, but its access level does not include this: ask the source for more"
                " access, or for less (--since, --until, --query)"
            )
        return f"the source does not let the account in (status 401): is {account.where()} right, and not expired?"

    def _post(self, url: str, form: Mapping[str, str]) -> Any:
        """What an address answers to a form, as JSON."""
        where = check_url(url, loopback=self.loopback)
        self._clock.ends = time.monotonic() + self.limits.file_seconds
        if self._proxy is not None:
            self._guard.look_at(where.host, _port(where))
        try:
            with _explained(url), self._client.stream("POST", where, data=dict(form)) as answer:
                words, good = _words(answer, limit=_FORM), answer.status_code == 200
                if answer.status_code in (400, 401, 403) and self._account is not None:
                    at = self._account.where()
                    raise FetchError(self.hide(f"{url}: the source does not take {at}: are they right?{words[:300]}"))
        except _AgainError as error:
            raise FetchError(f"{url}: {error}: try again later") from error
        try:
            if not good:
                raise FetchError(f"{url}: the server answers with status {answer.status_code}: no token came")
            return orjson.loads(words.removeprefix(_SAYS))
        except orjson.JSONDecodeError:
            raise FetchError(f"{url}: no token came, but {self.hide(words)[:200]}") from None

    def _write(self, url: str, answer: httpx.Response, target: Path) -> tuple[int, str]:
        limits = self.limits
        declared = declared_bytes(answer.headers.get("content-length", ""))
        if declared > limits.file_bytes:
            raise FetchError(f"{url}: {declared:,} bytes, past the limit of {limits.file_bytes:,} for a file")
        count, digest = 0, sha256()
        with target.open("wb") as file:
            for piece in unpacked(answer.iter_raw(), answer.headers.get("content-encoding", "")):
                count += len(piece)
                self._taken += len(piece)
                if count > limits.file_bytes:
                    raise FetchError(f"{url}: past the limit of {limits.file_bytes:,} bytes for a file: cut off")
                if self._taken > limits.total_bytes:
                    raise FetchError(f"{url}: past the limit of {limits.total_bytes:,} bytes for one run: cut off")
                digest.update(piece)
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        return count, digest.hexdigest()


@contextmanager
def _explained(url: str) -> Iterator[None]:
    """What goes wrong on the way as one of ours: worth another attempt, or not."""
    try:
        yield
    except (httpcore.ConnectError, httpx.ConnectError) as error:
        if isinstance(error.__context__, ssl.SSLCertVerificationError) or "CERTIFICATE" in str(error):
            raise FetchError(f"{url}: its certificate is not good ({error}): nothing is taken") from error
        raise _AgainError(f"it cannot be reached ({error})") from error
    except (httpcore.TimeoutException, httpx.TimeoutException) as error:
        raise _AgainError(f"no answer in time ({error or 'silence'})") from error
    except (httpcore.NetworkError, httpcore.ProtocolError, httpx.TransportError) as error:
        raise _AgainError(f"the answer breaks off ({error})") from error
    except zlib.error as error:
        raise _AgainError(f"the answer is damaged ({error})") from error
    except OSError as error:
        raise FetchError(f"{url}: what it gives cannot be written ({error}): is there room?") from error


Kind = Literal["json", "zip", "kml", "any"]
_STEP = 256 * 1024  # bytes that a compressed body may grow by at once


def unpacked(pieces: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """A body's bytes, unpacked in small steps so that a bomb is noticed before it grows."""
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        yield from pieces
        return
    if encoding not in ("gzip", "x-gzip"):
        raise FetchError(f"the server packs its answer as {encoding!r}, which was not asked for: nothing is taken")
    unpacker = zlib.decompressobj(wbits=31)
    for piece in pieces:
        while piece:
            yield unpacker.decompress(piece, _STEP)
            piece = unpacker.unconsumed_tail
    if not unpacker.eof or unpacker.unused_data:
        raise zlib.error("the packed answer breaks off, or something follows it")


def declared_bytes(text: str) -> int:
    """How large a Content-Length header says that the body is; 0 where it says nothing that can be read."""
    text = text.strip()
    return int(text[:19]) if text.isascii() and text.isdigit() else 0


def retry_after(text: str, *, now: datetime) -> float | None:
    """The seconds that a Retry-After header asks for: a number, or a date in HTTP's way of writing it."""
    text = text.strip()
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - now).total_seconds())
    except (TypeError, ValueError):
        return None


def refuse_other_kind(path: Path, kind: Kind, *, said: str = "", url: str = "") -> None:
    """Turn back a body that is not what was asked for: an error page, half a file, another format."""
    with path.open("rb") as file:
        head = file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()
        file.seek(max(0, path.stat().st_size - 70_000))
        tail = file.read().rstrip()
    start = head[:200].lower()
    if said.lower().startswith("text/html") or start.startswith((b"<!doctype html", b"<html")):
        raise FetchError(f"{url}: an HTML page came instead of data: is the source closed, or its address another?")
    good = {
        "json": head[:1] + tail[-1:] in (b"{}", b"[]"),
        "zip": head.startswith(b"PK\x03\x04") and b"PK\x05\x06" in tail,
        "kml": head.startswith(b"<") and b"<kml" in head.lower() and tail.endswith(b">"),
        "any": bool(head),
    }
    if not good[kind]:
        raise FetchError(
            f"{url}: {'nothing' if not head else 'something else'} came instead of {kind} (it begins {head[:24]!r})"
        )
