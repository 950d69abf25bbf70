import time

import pytest

from finetune.data.sources import read_table
from finetune.errors import DataError

TABLE = (
    "<table><thead><tr><th>prompt<th>completion</thead><tr><td>Oslo?</td><td>Yes.<br>Far.</td></tr><tr><td>Bern?<td>No."
)


@pytest.fixture
def read(tmp_path):
    def read(content, name="page.html"):
        path = tmp_path / name
        path.write_text(content)
        return read_table(path)

    return read


def test_paragraphs_without_scripts_and_styles(read):
    page = "<!DOCTYPE html><html><head><title>T</title><style>p {}</style></head><body><script>if (a<b) {}</script>"
    page += "<h1>One &amp; two</h1><p>Three\n <b>four</b></p><ul><li>five<li>six</ul><pre>a\n  b</pre></body></html>"
    texts = [row["text"] for row in read(page).rows]
    assert texts == ["One & two", "Three four", "five", "six", "a\nb"]


@pytest.mark.parametrize("name", ["page.html", "report.xls", "page.csv", "page"])
@pytest.mark.parametrize("page", [TABLE, f"<html><body><p>Hi</p>{TABLE}</table></body></html>"])
def test_a_table_gives_rows_whatever_the_name(read, name, page):
    assert read(page, name).rows == [
        {"prompt": "Oslo?", "completion": "Yes.\nFar."},
        {"prompt": "Bern?", "completion": "No."},
    ]


def test_a_page_under_another_name_is_refused(read):
    for name in ("data.csv", "data.jsonl", "data.txt"):
        with pytest.raises(DataError, match="This is a web page"):
            read("<!doctype html><html><body>404 not found</body></html>", name)


@pytest.mark.parametrize(
    "bad", ["<!--" * 300_000, "<" * 300_000, "<a " * 200_000, "<![CDATA[" * 99_000, TABLE * 9000, "</" * 300_000]
)
def test_whatever_is_wrong_is_found_soon(read, bad):
    began = time.process_time()
    try:
        read("<html>" + bad)
    except DataError as error:
        assert error.message
    assert time.process_time() - began < 12
