import random

import pytest

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
    for _ in range(60):
        changed = bytearray(content)
        for _ in range(chance.randint(1, 5)):
            changed[chance.randrange(8, len(changed))] ^= 1 << chance.randrange(8)
        path.write_bytes(changed)
        try:
            list(read_table(path).rows)
        except DataError as error:
            assert error.message
