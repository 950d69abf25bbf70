"""Apps that are served as the program serves its own, and requests that no client library would send."""

import socket
import threading
import time
from contextlib import contextmanager, suppress

from finetune.door.budget import Budget
from finetune.door.serving import Serving


@contextmanager
def served(app, budget: Budget | None = None):
    """``app`` behind a port, as a ``Serving``."""
    serving = Serving(app, "127.0.0.1", 0, budget).start()
    try:
        yield serving
    finally:
        serving.close()


def connection(port: int, source: str = "127.0.0.1", timeout_s: float = 20.0) -> socket.socket:
    """A connection from the address ``source``; Linux has all of 127.0.0.0/8."""
    return socket.create_connection(("127.0.0.1", port), timeout_s, (source, 0))


def raw(port: int, sent: bytes, source: str = "127.0.0.1", timeout_s: float = 20.0) -> bytes:
    """All that is answered to ``sent`` until the server closes the connection."""
    with connection(port, source, timeout_s) as at:
        with suppress(OSError):  # it was refused before it was sent; the answer says why
            at.sendall(sent)
        return rest(at)


def rest(at: socket.socket) -> bytes:
    """What still comes until the other end closes."""
    found = b""
    try:
        while piece := at.recv(65536):
            found += piece
    except ConnectionResetError:
        pass
    return found


def status(answer: bytes) -> int:
    """The status of an answer; 0 if there is none."""
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/") else 0


def head(port: int, line: str = "GET / HTTP/1.1", *headers: str) -> bytes:
    """The head of a request, which asks to close the connection."""
    return "\r\n".join([line, f"Host: 127.0.0.1:{port}", "Connection: close", *headers, "", ""]).encode()


def multipart(*files: bytes, boundary: str = "xyz") -> bytes:
    """The body of an upload."""
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="{n}.txt"\r\n\r\n'.encode()
        + content
        + b"\r\n"
        for n, content in enumerate(files)
    ]
    return b"".join(parts) + f"--{boundary}--\r\n".encode()


def upload_head(port: int, *headers: str, boundary: str = "xyz") -> bytes:
    """The head of an upload."""
    kind = f"Content-Type: multipart/form-data; boundary={boundary}"
    return head(port, "POST /gradio_api/upload HTTP/1.1", kind, *headers)


def at_once(calls: list) -> list:
    """What each of the ``calls`` returned, all called at a time; an exception is returned as it is."""
    found: list = [None] * len(calls)

    def do(n: int) -> None:
        try:
            found[n] = calls[n]()
        except Exception as error:
            found[n] = error

    threads = [threading.Thread(target=do, args=(n,), daemon=True) for n in range(len(calls))]
    for each in threads:
        each.start()
    for each in threads:
        each.join(120)
    return found


def seconds(call) -> tuple:
    """What ``call`` returned, and how long that took."""
    began = time.monotonic()
    return call(), time.monotonic() - began
