"""A model behind an OpenAI-compatible endpoint, asked through its chat completions."""

import json
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

from finetune.errors import UnreachableError
from finetune.rewards.judge import key

TIMEOUT_S = 60.0
PAUSES_S = (0.5, 2.0, 8.0)
"""Before another try, where the endpoint is busy or fails."""
AT_ONCE = 8
"""Questions on their way at the same time."""
LONGEST_REPLY = 16
"""Tokens."""
LARGEST = 2**20
"""Bytes of a reply that are read."""


class Endpoint:
    """The model called ``model`` at ``address``, such as ``http://127.0.0.1:8000/v1``."""

    def __init__(self, address: str, model: str):
        self.address = address.rstrip("/") + "/chat/completions"
        self.model = model

    def replies(self, prompts: list[str]) -> list[str | None]:
        """The reply to each prompt; None where it has none. ``UnreachableError`` if the endpoint cannot be asked."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(self._reply, prompts))

    def _reply(self, prompt: str) -> str | None:
        asked = {
            "model": self.model,
            "messages": [{"role": "user", "content": prompt}],
            "temperature": 0,
            "max_tokens": LONGEST_REPLY,
        }
        for pause_s in (*PAUSES_S, None):
            try:
                return self._read(self._open(asked))
            except urllib.error.HTTPError as error:
                reason = f"it answers {error.code} {error.reason}"
                is_passing = error.code == 429 or error.code >= 500
            except (OSError, ValueError) as error:
                reason, is_passing = str(getattr(error, "reason", error)), isinstance(error, OSError)
            if not is_passing or pause_s is None:
                break
            time.sleep(pause_s)
        raise UnreachableError(
            f"The judge at {self.address} cannot be asked: {reason}.",
            "Check that it runs, its address, the model's name, and the key in FINETUNE_JUDGE_KEY.",
        )

    def _open(self, asked: dict) -> bytes:
        headers = {"Content-Type": "application/json"}
        if secret := key():
            headers["Authorization"] = f"Bearer {secret}"
        request = urllib.request.Request(self.address, json.dumps(asked).encode(), headers)
        with _opener.open(request, timeout=TIMEOUT_S) as response:
            return response.read(LARGEST)

    @staticmethod
    def _read(reply: bytes) -> str | None:
        try:
            return json.loads(reply)["choices"][0]["message"]["content"]
        except (LookupError, TypeError) as error:
            raise ValueError("its reply is none of a chat completion") from error


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The key and the questions go to the address that was named, and to no other."""

    def redirect_request(self, *_):
        return None


_opener = urllib.request.build_opener(_NoRedirect)
