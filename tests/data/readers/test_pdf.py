import random
import time
import zlib

import pytest
from psutil import Process

from finetune.data.sources import read_table
from finetune.errors import DataError


def pdf(*pages: list[str]) -> bytes:
    """A document of pages with lines of text, one below the other."""
    objects = ["<</Type/Catalog/Pages 2 0 R>>"]
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(pages)))
    objects.append(f"<</Type/Pages/Count {len(pages)}/Kids[{kids}]>>")
    objects.append("<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>")
    for number, lines in enumerate(pages):
        content = "BT /F1 12 Tf 50 700 Td " + " ".join(f"({line}) Tj 0 -14 Td" for line in lines) + " ET"
        page = "/Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Resources<</Font<</F1 3 0 R>>>>"
        objects.append(f"<<{page}/Contents {5 + 2 * number} 0 R>>")
        objects.append(f"<</Length {len(content)}>>stream\n{content}\nendstream")
    body, places = b"%PDF-1.4\n", []
    for number, written in enumerate(objects, 1):
        places.append(len(body))
        body += f"{number} 0 obj{written}endobj\n".encode()
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    end = f"trailer<</Size {len(objects) + 1}/Root 1 0 R>>\nstartxref\n{len(body)}\n%%EOF"
    return body + f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}{end}".encode()


@pytest.mark.parametrize("name", ["data.pdf", "data.txt"])
def test_the_text_of_each_page(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(pdf(["The sea is blue.", "It is wide."], ["The end."]))
    assert read_table(path).rows == [{"text": "The sea is blue.\nIt is wide."}, {"text": "The end."}]


def test_pages_without_text_are_pictures(tmp_path):
    path = tmp_path / "scan.pdf"
    path.write_bytes(pdf([]))
    with pytest.raises(DataError, match="its pages are pictures"):
        read_table(path)


def test_a_damaged_document_is_read_or_refused_in_words(tmp_path):
    chance, content, path = random.Random(5), pdf(["The sea is blue."]), tmp_path / "data.pdf"
    for _ in range(20):
        changed = bytearray(content)
        for _ in range(chance.randint(1, 5)):
            changed[chance.randrange(8, len(changed))] ^= 1 << chance.randrange(8)
        path.write_bytes(changed)
        try:
            list(read_table(path).rows)
        except DataError as error:
            assert error.message


def document(content: bytes, forms: int = 0, pages: int = 1) -> bytes:
    """A PDF whose pages have this content; with ``forms``, each draws the next one twice."""
    parts = {1: b"<< /Type /Catalog /Pages 2 0 R >>"}
    kids = b"3 0 R " * pages
    parts[2] = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, pages)
    drawn = b" ".join(b"/X%d %d 0 R" % (n, 10 + n) for n in range(forms))
    resources = (
        b"<< /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> /XObject << %s >> >>" % drawn
    )
    parts[3] = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R /Resources %s >>" % resources
    parts[4] = b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content)
    for n in range(forms):
        inner = b"/X%d Do /X%d Do" % (n + 1, n + 1) if n + 1 < forms else b"BT /F1 12 Tf (deep) Tj ET"
        parts[10 + n] = (
            b"<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources %s /Length %d >>\nstream\n%s\nendstream"
            % (resources, len(inner), inner)
        )
    body, places = b"%PDF-1.7\n", {}
    for number, part in parts.items():
        places[number] = len(body)
        body += b"%d 0 obj\n%s\nendobj\n" % (number, part)
    table = b"".join(b"%d 1\n%010d 00000 n \n" % each for each in sorted(places.items()))
    end = b"trailer << /Root 1 0 R /Size %d >>\nstartxref\n%d\n%%%%EOF" % (max(parts) + 1, len(body))
    return body + b"xref\n0 1\n0000000000 65535 f \n" + table + end


def test_a_document_by_hand_is_read(tmp_path):
    path = tmp_path / "a.pdf"
    path.write_bytes(document(b"BT /F1 12 Tf (one) Tj ET"))
    assert [row["text"] for row in read_table(path).rows] == ["one"]


def _packed(size: int) -> bytes:
    return zlib.compress(b"q " * (size // 2), 9)


HOSTILE = {
    "forms that draw forms": document(b"/X0 Do", forms=40),
    "a million pages": document(b"BT /F1 12 Tf (one) Tj ET", pages=1_000_000),
    "a page of a gigabyte": document(b"").replace(
        b"<< /Length 0 >>\nstream\n", b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s" % (1, _packed(2**29))
    ),
    "an endless string": document(b"BT (" + b"(" * 3_000_000),
    "deep lists": document(b"[" * 200_000),
}


@pytest.mark.threat("T10")
@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_document_ends_within_its_budget(tmp_path, monkeypatch, content):
    monkeypatch.setattr("finetune.data.readers.pdf.SECONDS", 3)
    path = tmp_path / "a.pdf"
    path.write_bytes(content)
    before, cpu = Process().memory_info().rss, time.process_time()
    try:
        assert len(read_table(path).rows) <= 1_000_000
    except DataError as error:
        assert len(str(error)) < 300
    assert time.process_time() - cpu < 10 and Process().memory_info().rss - before < 500 * 2**20
