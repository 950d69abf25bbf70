"""Visitors that ask for too much at a time: each kind of flood, from addresses of their own, as fast as they can.

It runs in a process of its own with the lowest priority (``python -m tests.threats.flood KIND PORT SECONDS …``), so
that what it costs is the server's own work. It prints how often each status was answered, as JSON.
"""

import asyncio
import contextlib
import json
import os
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import count

NUMBER = count()


@dataclass
class Flood:
    """A flood at one server, for some time."""

    port: int
    seconds: float
    given: dict
    """What the floods need to know: the numbers of the page's functions, a run to ask."""
    statuses: Counter = field(default_factory=Counter)
    """How often each status was answered; 0 where a connection was closed without an answer, ``late`` where none
    came. ``waiting`` are those whose turn had not come at the end."""

    def __post_init__(self):
        self.until = time.monotonic() + self.seconds

    @property
    def is_over(self) -> bool:
        return time.monotonic() > self.until

    async def ask(self, line: str, body: bytes | dict = b"", source: str = "127.0.0.1", reads: bool = True, **headers):
        """The status and the body of an answer."""
        content = json.dumps(body).encode() if isinstance(body, dict) else body
        kind = {"Content-Type": "application/json"} if isinstance(body, dict) else {}
        fields = (
            {"Host": f"127.0.0.1:{self.port}", "Connection": "close", "Content-Length": len(content)} | kind | headers
        )
        head = "\r\n".join([f"{line} HTTP/1.1", *(f"{k}: {v}" for k, v in fields.items()), "", ""]).encode()
        found, status = b"", 0
        try:
            async with asyncio.timeout(120):
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port, local_addr=(source, 0))
                with contextlib.suppress(OSError):
                    writer.write(head + content)
                    await writer.drain()
                with contextlib.suppress(OSError):
                    first = await reader.readline()
                    status = int(first.split()[1]) if first else 0
                    found = await reader.read() if reads else b""
                writer.close()
        except TimeoutError:
            status = "late"
        except OSError:
            pass
        self.statuses[status] += 1
        return status, found.partition(b"\r\n\r\n")[2]

    async def call(self, name: str, values: list, source: str, session: str) -> str | None:
        """The id of an event of the page that was taken; None if it was refused."""
        body = {"data": values, "fn_index": self.given["functions"][name], "session_hash": session}
        status, found = await self.ask("POST /gradio_api/queue/join", body, source)
        return json.loads(found)["event_id"] if status == 200 else None

    async def chat(self, n: int) -> None:
        """One of 200 that ask a model and wait for its answer."""
        source, tokens = f"127.0.3.{1 + n % 40}", self.given.get("tokens", 16)
        while not self.is_over:
            session = f"chat{next(NUMBER)}"
            values = [self.given["run"], "What colour is the sea?", n, tokens, True, None]
            if await self.call("compare", values, source, session):
                status, found = await self.ask(f"GET /gradio_api/queue/data?session_hash={session}", source=source)
                if status == 200 and b"process_completed" not in found:
                    self.statuses["lost"] += 1
            else:
                await asyncio.sleep(1)

    async def join(self, n: int) -> None:
        """One of 300 tasks of one visitor, which nobody waits for."""
        while not self.is_over:
            values = [self.given["run"], "Hello?", n, 4, True, None]
            if not await self.call("compare", values, "127.0.4.1", f"join{next(NUMBER)}"):
                await asyncio.sleep(0.5)

    async def upload(self, n: int) -> None:
        """One of 50 uploads at a time."""
        while not self.is_over:
            content = os.urandom(8) + bytes(2**20)
            body = b'--xyz\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\n' + content
            kind = {"Content-Type": "multipart/form-data; boundary=xyz"}
            line, source = "POST /gradio_api/upload", f"127.0.5.{1 + n % 25}"
            status, _ = await self.ask(line, body + b"\r\n--xyz--\r\n", source, **kind)
            await asyncio.sleep(0.5 if status == 200 else 1)

    async def half_open(self, n: int) -> None:
        """One of 200 connections that never send a whole head."""
        while not self.is_over:
            with contextlib.suppress(OSError, TimeoutError):
                at = await asyncio.open_connection("127.0.0.1", self.port, local_addr=("127.0.6.1", 0))
                at[1].write(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ")
                async with asyncio.timeout(max(0.1, self.until - time.monotonic())):
                    answer = await at[0].readline()
                    self.statuses[int(answer.split()[1]) if answer else "closed"] += 1
                at[1].close()
            await asyncio.sleep(0.5)

    async def slow_reader(self, n: int) -> None:
        """One of 60 that ask for the page and read nothing of it."""
        while not self.is_over:
            with contextlib.suppress(OSError):
                at = await asyncio.open_connection(
                    "127.0.0.1", self.port, local_addr=(f"127.0.7.{1 + n % 3}", 0), limit=1
                )
                for _ in range(8):
                    at[1].write(f"GET /config HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n\r\n".encode())
                self.statuses["asked"] += 1
                await asyncio.sleep(max(0.0, min(40.0, self.until - time.monotonic())))
                at[1].close()

    async def reload(self, n: int) -> None:
        """One visitor that reloads the page again and again."""
        source, functions = "127.0.8.1", self.given["functions"]
        while not self.is_over:
            session = f"reload{next(NUMBER)}"
            status, _ = await self.ask("GET /", source=source)
            beats = asyncio.create_task(self.ask(f"GET /gradio_api/heartbeat/{session}", source=source))
            for name, values in (("load", [None] * 3), ("open", []), ("choosers", [{}])):
                body = {"data": values, "fn_index": functions[name], "session_hash": session}
                await self.ask("POST /gradio_api/run/predict", body, source)
            beats.cancel()
            await asyncio.wait([beats])
            await asyncio.sleep(0 if status == 200 else 1)


AT_ONCE = {"chat": 200, "join": 300, "upload": 50, "half_open": 200, "slow_reader": 60, "reload": 2}
"""How many of a kind there are at a time."""


async def flood(kind: str, port: int, seconds: float, given: dict) -> Counter:
    """What was answered to a flood of ``kind``."""
    at = Flood(port, seconds, given)
    many = [getattr(at, kind)(n) for n in range(given.get("most", AT_ONCE[kind]))]
    ended, waiting = await asyncio.wait([asyncio.create_task(each) for each in many], timeout=seconds + 3)
    at.statuses["waiting"] += len(waiting)
    for each in waiting:
        each.cancel()
    for each in ended:
        if each.exception():
            at.statuses[repr(each.exception())] += 1
    return at.statuses


if __name__ == "__main__":
    os.nice(19)
    kind, port, seconds, given = sys.argv[1:]
    print(json.dumps(asyncio.run(flood(kind, int(port), float(seconds), json.loads(given)))), flush=True)
