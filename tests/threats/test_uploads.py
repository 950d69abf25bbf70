"""Uploads to the real page: too large, too many, without a length, cut off in the middle, malformed."""

import json
import shutil
import time
from contextlib import suppress
from dataclasses import replace
from functools import partial

import pytest

from finetune.door.budget import MB, Budget
from finetune.door.options import Door
from finetune.runs.workspace import Workspace
from finetune.ui.site import site
from finetune.ui.studio import Studio
from tests.door.served import at_once, connection, head, multipart, raw, rest, served, status, upload_head
from tests.service.test_queue import wait_for

SMALL = replace(
    Budget.shared(),
    file_bytes=2 * MB,
    upload_bytes=2 * MB,
    upload_files=5,
    hour_bytes=8 * MB,
    uploads_each=2,
    uploads=4,
    silence_s=2.0,
)


class SmallDoor(Door):
    """A door for others with limits that a test reaches quickly."""

    budget = SMALL


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the page's uploads are written."""
    with pytest.MonkeyPatch.context() as patch:
        found = tmp_path_factory.mktemp("uploads")
        patch.setenv("GRADIO_TEMP_DIR", str(found))
        yield found


@pytest.fixture(scope="module")
def serving(folder, tmp_path_factory):
    studio = Studio(Workspace(tmp_path_factory.mktemp("home") / "workspace"))
    with served(site(studio, SmallDoor()), SMALL) as running:
        yield running


@pytest.fixture
def files(folder):
    """The folder of uploads, empty."""
    yield folder
    for each in folder.iterdir():
        shutil.rmtree(each)


def stored(files) -> list[int]:
    """The sizes of everything in the folder of uploads."""
    return sorted(each.stat().st_size for each in files.rglob("*") if each.is_file())


sources = (f"127.0.2.{n}" for n in range(1, 250))
"""Addresses that were not used yet: each is a visitor of its own."""


def upload(port, body, source="", **options) -> bytes:
    return raw(port, upload_head(port, f"Content-Length: {len(body)}", **options) + body, source or next(sources))


def chunked(body: bytes, size: int = 60_000) -> bytes:
    parts = [body[n : n + size] for n in range(0, len(body), size)]
    return b"".join(f"{len(each):x}\r\n".encode() + each + b"\r\n" for each in parts) + b"0\r\n\r\n"


def test_an_upload_arrives_whole(serving, files):
    answer = upload(serving.port, multipart(b"one", b"two" * 1000))
    assert status(answer) == 200 and len(json.loads(answer.split(b"\r\n\r\n")[1])) == 2
    assert stored(files) == [3, 3000]


@pytest.mark.threat("T8")
def test_what_is_too_large_is_refused_with_a_sentence_and_leaves_nothing(serving, files):
    large = multipart(bytes(3 * MB))
    for answer in (
        upload(serving.port, large),
        raw(serving.port, upload_head(serving.port, "Transfer-Encoding: chunked") + chunked(large), next(sources)),
        raw(serving.port, upload_head(serving.port, f"Content-Length: {10**12}") + b"x"),
    ):
        assert status(answer) == 413 and answer.endswith(b"This upload is too large: 2 MB at once are the most.")
    assert status(upload(serving.port, multipart(*[b"a"] * 6))) == 413
    assert stored(files) == []


@pytest.mark.threat("T8")
def test_an_upload_that_is_cut_off_leaves_nothing(serving, files):
    body = multipart(b"whole", bytes(MB))
    for cut in (100, 300_000, len(body) - 3):
        with connection(serving.port) as at:
            at.sendall(upload_head(serving.port, f"Content-Length: {len(body)}") + body[:cut])
            time.sleep(0.5)
    with connection(serving.port) as at:  # stays open, and nothing comes any more
        at.sendall(upload_head(serving.port, "Transfer-Encoding: chunked") + chunked(body)[:300_000])
        assert status(rest(at)) == 408
    wait_for(lambda: not stored(files))


@pytest.mark.threat("T8", "T9")
def test_what_no_field_of_the_page_named_leaves_nothing(serving, files):
    whole = multipart(b"x" * 1000)
    for body in (
        whole.replace(b'name="files"', b'name="other"'),
        whole.replace(b"--xyz--\r\n", b""),
        whole.replace(b"0.txt", b".."),
        multipart(b"x" * 1000, b"y" * 1000)[:-500],
        whole.replace(b'filename="0.txt"', b"") + whole,
    ):
        assert status(upload(serving.port, body)) in (200, 400, 500)
        assert not [each for each in files.iterdir() if each.is_file()]


@pytest.mark.threat("T8", "T41")
def test_one_visitor_uploads_so_much_at_a_time_and_within_an_hour(serving, files):
    port, body = serving.port, multipart(bytes(MB))
    opened = [connection(port, "127.0.0.5") for _ in range(2)]
    for at in opened:
        at.sendall(upload_head(port, f"Content-Length: {len(body)}") + body[:1000])
    time.sleep(0.5)
    refused = upload(port, body, "127.0.0.5")
    assert status(refused) == 429 and b"retry-after" in refused and b"Several of your uploads" in refused
    assert status(upload(port, body, "127.0.0.6")) == 200, "another visitor does not notice"
    for at in opened:
        at.close()

    found = [upload(port, multipart(bytes([n]) * MB), "127.0.0.7") for n in range(9)]
    assert [status(each) for each in found].count(200) in (7, 8), "meanwhile a little more is allowed"
    refused = [each for each in found if status(each) != 200]
    assert all(status(each) == 429 and b"within an hour" in each for each in refused)
    assert status(upload(port, body, "127.0.0.8")) == 200


@pytest.mark.threat("T8", "T41")
def test_fifty_uploads_at_a_time_are_taken_or_refused(serving, files):
    calls = [partial(upload, serving.port, multipart(bytes([n]) * 300_000), f"127.0.1.{n}") for n in range(1, 51)]
    found = [status(each) for each in at_once(calls)]
    assert set(found) <= {200, 503} and 200 in found
    assert stored(files) == [300_000] * found.count(200)


@pytest.mark.threat("T9")
@pytest.mark.parametrize(
    "headers",
    [
        ["Content-Length: -1"],
        ["Content-Length: 5", "Content-Length: 6"],
        ["Content-Length: 5", "Content-Length: 5"],
        ["Content-Length: 5, 5"],
        ["Content-Length: 5", "Transfer-Encoding: chunked"],
        ["Content-Length: x"],
        ["Transfer-Encoding: gzip"],
        [f"X: {'x' * 2**20}"],
        [f"X{n}: {'x' * 100}" for n in range(5000)],
    ],
    ids=range(9),
)
def test_a_malformed_head_is_refused_at_once(serving, headers):
    with connection(serving.port, next(sources)) as at:
        began = time.monotonic()
        with suppress(OSError):
            at.sendall(upload_head(serving.port, *headers) + b"12345")
        answer = at.recv(100)
        assert time.monotonic() - began < 1
    assert 400 <= status(answer) < 500 or status(answer) == 501


@pytest.mark.threat("T9")
def test_a_boundary_of_a_megabyte_is_refused_at_once(serving, files):
    for boundary in ("x" * 2**20, "x" * 5000):
        with suppress(ConnectionError):
            assert status(upload(serving.port, multipart(b"a", boundary=boundary), boundary=boundary)) in (400, 431)
    bomb = b"--xyz\r\n" + b"".join(b"A%d: b\r\n" % n for n in range(50_000)) + b"\r\n\r\n--xyz--\r\n"
    began = time.monotonic()
    assert status(upload(serving.port, bomb)) in (400, 413)
    assert time.monotonic() - began < 5 and stored(files) == []


@pytest.mark.threat("T8", "T9")
def test_other_requests_are_small(serving):
    port = serving.port
    line = "POST /gradio_api/queue/join HTTP/1.1"
    body = json.dumps({"data": ["x" * 9 * MB], "fn_index": 0, "session_hash": "a"}).encode()
    for answer in (
        raw(port, head(port, line, f"Content-Length: {len(body)}", "Content-Type: application/json") + body),
        raw(port, head(port, line, "Transfer-Encoding: chunked", "Content-Type: application/json") + chunked(body)),
    ):
        assert status(answer) == 413 and b"larger than 8 MB" in answer


@pytest.mark.heavy
@pytest.mark.threat("T8")
def test_twenty_uploads_of_60_mb_cut_off_half_way(workspace, files):
    with served(site(Studio(workspace), Door(is_shared=True)), Budget.shared()) as running:
        port, body = running.port, multipart(bytes(60 * MB))
        for n in range(20):
            with connection(port, f"127.0.0.{2 + n}") as at, suppress(OSError):
                at.sendall(upload_head(port, "Transfer-Encoding: chunked") + chunked(body)[: 30 * MB])
        wait_for(lambda: sum(stored(files)) < MB, 60)
        assert status(upload(port, multipart(b"small"))) == 200
