"""What a browser keeps of a sign-in: a cookie signed by this workspace's key, which scripts cannot read."""

import hashlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from itsdangerous import BadSignature, URLSafeTimedSerializer

LASTS_S = 7 * 86_400
"""A sign-in lasts a week."""
KEY_FILE = "door.key"


@dataclass(frozen=True)
class Cookies:
    """Signs and reads cookies of one workspace.

    Cookies are common to all ports of a machine, so their names tell workspaces apart.
    """

    key: str
    crosses_sites: bool = False
    """True on a Space, whose page stands in a frame of another site: browsers then want HTTPS and ``SameSite=None``."""

    @classmethod
    def of(cls, folder: Path, crosses_sites: bool = False) -> "Cookies":
        """With the key of the workspace at ``folder``, which is made on first use: sign-ins outlive a restart."""
        path = folder / KEY_FILE
        try:
            key = path.read_text(encoding="ascii").strip()
        except FileNotFoundError:
            key = ""
        if len(key) < 32:
            key = secrets.token_hex(32)
            unfinished = path.with_name(f".{KEY_FILE}.{os.getpid()}")
            unfinished.touch(mode=0o600)
            unfinished.write_text(key, encoding="ascii")
            unfinished.replace(path)
        return cls(key, crosses_sites)

    def name(self, purpose: str) -> str:
        """The name of the cookie for ``purpose``."""
        return f"finetune_{purpose}_{hashlib.sha256(self.key.encode()).hexdigest()[:8]}"

    def made(self, purpose: str, value: object, is_secure: bool = False) -> str:
        """The header that gives a browser ``value``, which JSON can hold."""
        return (
            f"{self.name(purpose)}={self._serializer(purpose).dumps(value)}; Max-Age={LASTS_S}{self._rest(is_secure)}"
        )

    def removed(self, purpose: str, is_secure: bool = False) -> str:
        """The header that takes the cookie for ``purpose`` away."""
        return f"{self.name(purpose)}=; Max-Age=0{self._rest(is_secure)}"

    def read(self, purpose: str, cookies: dict[str, str]) -> object:
        """The value among a request's ``cookies``; None if there is none, or it is not ours or too old."""
        try:
            return self._serializer(purpose).loads(cookies.get(self.name(purpose), ""), max_age=LASTS_S)
        except BadSignature:
            return None

    def _serializer(self, purpose: str) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(self.key, salt=f"finetune.door.{purpose}")

    def _rest(self, is_secure: bool) -> str:
        if self.crosses_sites:
            return "; Path=/; HttpOnly; Secure; SameSite=None; Partitioned"
        return f"; Path=/; HttpOnly; SameSite=Lax{'; Secure' if is_secure else ''}"
