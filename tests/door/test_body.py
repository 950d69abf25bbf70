import asyncio
from dataclasses import replace

import pytest

from finetune.door.body import Upload, boundary_of, length_of, whole
from finetune.door.budget import Budget
from finetune.door.excess import Excess
from tests.door.served import multipart

BUDGET = replace(Budget.local(), body_bytes=100, body_s=0.2, upload_bytes=10_000, upload_files=3, silence_s=0.2)


@pytest.mark.threat("T9")
@pytest.mark.parametrize(
    "lengths", [["-1"], ["+5"], ["5", "5"], ["5", "6"], ["1e3"], ["0x10"], ["5 5"], [""], ["9" * 40]]
)
def test_a_length_that_is_none_is_refused(lengths):
    with pytest.raises(Excess) as refused:
        length_of([(b"content-length", each.encode()) for each in lengths])
    assert refused.value.status == 400


@pytest.mark.threat("T9")
def test_two_ways_to_say_the_length_are_refused():
    with pytest.raises(Excess):
        length_of([(b"content-length", b"5"), (b"transfer-encoding", b"chunked")])
    assert length_of([(b"content-length", b"5")]) == 5 and length_of([]) == 0
    assert length_of([(b"transfer-encoding", b"chunked")]) is None


@pytest.mark.threat("T9")
@pytest.mark.parametrize(
    "kind",
    [
        "",
        "text/plain",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        f"multipart/form-data; boundary={'x' * 201}",
    ],
)
def test_an_upload_without_a_sensible_boundary_is_refused(kind):
    with pytest.raises(Excess):
        boundary_of([(b"content-type", kind.encode())])


def test_the_boundaries_that_browsers_and_libraries_send_are_taken():
    for written in ("----WebKitFormBoundaryAbC", "0123456789abcdef", '"quoted one"'):
        kind = f"multipart/form-data; boundary={written}; charset=utf-8"
        assert boundary_of([(b"content-type", kind.encode())]) == written.strip('"').encode()


def received(messages, make, pause_s=0.0):
    """What ``make`` (a coroutine of a ``receive``) returns for these messages."""
    left = [*messages]

    async def receive():
        await asyncio.sleep(pause_s)
        return left.pop(0) if left else await asyncio.Event().wait()

    return asyncio.run(make(receive))


def pieces(*bodies, ends=True):
    return [
        {"type": "http.request", "body": body, "more_body": not ends or n < len(bodies) - 1}
        for n, body in enumerate(bodies)
    ]


@pytest.mark.threat("T8", "S17")
def test_a_body_is_whole_in_time_or_refused():
    counted = []
    take = lambda receive: whole(receive, BUDGET, counted.append)  # noqa: E731
    assert received(pieces(b"ab", b"cd"), take) == b"abcd" and sum(counted) == 4
    assert received([*pieces(b"ab", ends=False), {"type": "http.disconnect"}], take) is None
    with pytest.raises(Excess, match="larger than"):
        received(pieces(*[b"x" * 60] * 2), take)
    with pytest.raises(Excess, match="too slowly"):
        received(pieces(b"ab", ends=False), take)
    with pytest.raises(Excess, match="too slowly"):
        received(pieces(*[b"x"] * 20), take, pause_s=0.1)


def uploaded(messages, budget=BUDGET, holds=lambda amount: None, pause_s=0.0):
    """The upload, and the bytes of it that reached the app."""

    async def read(receive):
        upload, found = Upload(receive, budget, b"xyz", holds), b""
        while True:
            message = await upload.receive()
            if message["type"] != "http.request":
                return upload, found
            found += message["body"]
            if not message["more_body"]:
                return upload, found

    return received(messages, read, pause_s)


def test_an_upload_passes_unchanged_whatever_its_pieces_are():
    body = multipart(b"a", b"--xy", b"-" * 50)
    for size in (1, 3, 7, 5000):
        cut = [body[n : n + size] for n in range(0, len(body), size)]
        upload, found = uploaded(pieces(*cut))
        assert found == body and not upload.excess and not upload.is_cut_off


@pytest.mark.threat("T8")
@pytest.mark.parametrize("size", [1, 5, 5000])
def test_an_upload_that_is_too_much_stops_there(size):
    def of(body):
        return uploaded(pieces(*[body[n : n + size] for n in range(0, len(body), size)]))

    upload, found = of(multipart(bytes(20_000)))
    assert upload.excess.status == 413 and len(found) <= 10_000
    upload, _ = of(multipart(*[b"a"] * 3))
    assert upload.excess is None
    upload, _ = of(multipart(*[b"a"] * 4))
    assert "too many files" in upload.excess.sentence


@pytest.mark.threat("T8", "S17")
def test_an_upload_that_stalls_or_trickles_is_cut_off():
    upload, _ = uploaded(pieces(b"ab", ends=False))
    assert upload.excess.status == 408
    quick = replace(BUDGET, silence_s=5, slowest=1000)
    upload, _ = uploaded(pieces(*[b"x"] * 20), quick, pause_s=0.1)
    assert upload.excess.status == 408
    upload, _ = uploaded([*pieces(b"ab", ends=False), {"type": "http.disconnect"}])
    assert upload.is_cut_off and upload.excess is None


def test_whoever_counts_may_stop_it():
    def counts(amount):
        raise Excess(429, "Enough.")

    upload, found = uploaded(pieces(b"ab"), holds=counts)
    assert upload.excess.sentence == "Enough." and found == b""
