"""What a source asks of an account: a key, or a token for a name and a password. Kept in memory, written nowhere."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from geo.automation.endpoints import Login
from geo.errors import FetchError, UsageError

_EARLY = 60.0  # seconds before its end at which a token is renewed
Post = Callable[[str, Mapping[str, str]], Any]


class Account:
    """One run's way into a source."""

    def __init__(self, login: Login) -> None:
        self.login = login
        names = ("token",) if login.header else ("user", "password")
        self._own = {name: _secret(login.account, name) for name in names}
        self._token = self._refresh = ""
        self._ends = 0.0

    @property
    def secrets(self) -> list[str]:
        """What may stand in no message."""
        given = [value for name, value in self._own.items() if name != "user"]
        return [secret for secret in (*given, self._token, self._refresh) if secret]

    def headers(self, post: Post) -> dict[str, str]:
        """What is said with a request; a token that is near its end is renewed first."""
        if self.login.header:
            return {self.login.header: self._own["token"]}
        if time.monotonic() >= self._ends:
            self.renew(post)
        return {"Authorization": f"Bearer {self._token}"}

    def renew(self, post: Post) -> bool:
        """Get a token, by the last one's refresh where that does; False where the source gives none for a key."""
        if self.login.header:
            return False
        ways = [{"grant_type": "refresh_token", "refresh_token": self._refresh}] if self._refresh else []
        ways += [{"grant_type": "password", "username": self._own["user"], "password": self._own["password"]}]
        for number, form in enumerate(ways, 1):
            try:
                answer = post(self.login.url, {**form, "client_id": self.login.client})
                break
            except FetchError:
                if number == len(ways):
                    raise
        token = answer.get("access_token") if isinstance(answer, Mapping) else None
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise FetchError(f"{self.login.url}: no token came: the source answers otherwise than it did")
        self._token, self._refresh = token, str(answer.get("refresh_token") or self._refresh)
        lasts = answer.get("expires_in")
        self._ends = time.monotonic() + max(1.0, (lasts if isinstance(lasts, int | float) else 3600.0) - _EARLY)
        return True

    def where(self) -> str:
        """Where the key, or name and password, come from."""
        return " and ".join(_variable(self.login.account, name) for name in self._own)


def _variable(account: str, name: str) -> str:
    return f"GEO_{account}_{name}".upper().replace("-", "_")


def _secret(account: str, name: str) -> str:
    """A secret from the environment, else from the system's keyring."""
    variable = _variable(account, name)
    found = os.environ.get(variable) or _of_keyring(f"geo-control/{account}", name)
    if not found:
        raise UsageError(
            f"{account} lets accounts in alone, and its {name} is not known: set {variable}, or keep it in the system's"
            f" keyring (pip install 'geo-control[keyring]', then: keyring set geo-control/{account} {name})"
        )
    if not found.isprintable() or (name == "token" and not found.isascii()):
        raise UsageError(f"{variable}: the {account} {name} has signs in it that cannot be sent: copy it again")
    return found


def _of_keyring(service: str, name: str) -> str | None:
    try:
        keyring: Any = import_module("keyring")
    except ImportError:
        return None
    try:
        return str(keyring.get_password(service, name) or "")
    except keyring.errors.KeyringError:
        return None
