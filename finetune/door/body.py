"""The body of a request: its head is checked, its bytes are counted, and it must arrive in time."""

import asyncio
import re
import time
from collections.abc import Callable

from finetune.door.budget import Budget
from finetune.door.excess import Excess, Receive

LONGEST_BOUNDARY = 200
"""Characters; the standard allows 70."""
BOUNDARY = re.compile(rb"boundary=(?:\"([^\"]*)\"|([^;\s]*))", re.IGNORECASE)


def length_of(headers: list[tuple[bytes, bytes]]) -> int | None:
    """The bytes that a request announces; None if it announces nothing. ``Excess`` if its head contradicts itself."""
    lengths = [value for name, value in headers if name == b"content-length"]
    chunked = [value for name, value in headers if name == b"transfer-encoding"]
    if len(lengths) > 1 or (lengths and chunked) or any(not each.isdigit() or len(each) > 15 for each in lengths):
        raise Excess(400, "This request does not say how long it is, or says it twice.")
    return int(lengths[0]) if lengths else None if chunked else 0


def boundary_of(headers: list[tuple[bytes, bytes]]) -> bytes:
    """What separates the files of an upload; ``Excess`` if there is none, or an absurd one."""
    kind = next((value for name, value in headers if name == b"content-type"), b"")
    found = BOUNDARY.search(kind)
    boundary = (found[1] or found[2] or b"") if found else b""
    if not kind.lower().startswith(b"multipart/form-data") or not 0 < len(boundary) <= LONGEST_BOUNDARY:
        raise Excess(400, "This is not an upload of files. Use the page, or gradio_client.")
    return boundary


async def whole(receive: Receive, budget: Budget, holds: Callable[[int], None]) -> bytes | None:
    """The whole body; None if the client went away. ``holds`` hears of each byte and may refuse."""
    content = bytearray()
    try:
        async with asyncio.timeout(budget.body_s):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    return None
                content += message.get("body", b"")
                if len(content) > budget.body_bytes:
                    raise Excess(413, f"This request is larger than {budget.body_bytes // 2**20} MB.")
                holds(len(message.get("body", b"")))
                if not message.get("more_body", False):
                    return bytes(content)
    except TimeoutError:
        raise slow() from None


class Upload:
    """An upload on its way to the app: ``receive`` passes it on until it is whole, interrupted or refused."""

    def __init__(
        self,
        receive: Receive,
        budget: Budget,
        boundary: bytes,
        holds: Callable[[int], None],
        wait_s: Callable[[], float] = lambda: 0.0,
    ):
        self._receive, self._budget, self._holds, self._wait_s = receive, budget, holds, wait_s
        self._mark = b"--" + boundary
        self._tail, self._marks, self._bytes = b"", 0, 0
        self._began = time.monotonic()
        self._is_whole = False
        self.excess: Excess | None = None
        self.is_cut_off = False
        """True once the client went away in the middle."""

    async def receive(self) -> dict:
        """The next piece; the app is told that the client went away where it is refused."""
        if self._is_whole:
            return await self._receive()
        if self.excess or self.is_cut_off:
            return {"type": "http.disconnect"}
        await asyncio.sleep(self._wait_s())
        try:
            async with asyncio.timeout(self._budget.silence_s):
                message = await self._receive()
            if message["type"] == "http.request":
                self._check(message.get("body", b""))
        except TimeoutError:
            self.excess = slow()
        except Excess as excess:
            self.excess = excess
        else:
            self._is_whole = message["type"] == "http.request" and not message.get("more_body", False)
            self.is_cut_off = message["type"] != "http.request"
            return message
        return {"type": "http.disconnect"}

    def _check(self, piece: bytes) -> None:
        budget = self._budget
        self._bytes += len(piece)
        if self._bytes > budget.upload_bytes:
            raise too_large(budget)
        seen = self._tail + piece
        self._marks += seen.count(self._mark)
        self._tail = seen[-(len(self._mark) - 1) :]
        if self._marks > budget.upload_files + 1:
            raise Excess(413, f"These are too many files at once; {budget.upload_files} are the most.")
        if self._bytes < (time.monotonic() - self._began - budget.body_s) * budget.slowest:
            raise slow()
        self._holds(len(piece))


def too_large(budget: Budget) -> Excess:
    """The refusal of an upload that is too large."""
    return Excess(413, f"This upload is too large: {budget.upload_bytes // 2**20} MB at once are the most.")


def slow() -> Excess:
    """The refusal of a request that does not arrive in time."""
    return Excess(408, "This request arrived too slowly and was interrupted. Try again with a better connection.")
