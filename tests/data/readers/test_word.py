import zipfile

import pytest

from finetune.data.sources import read_table
from finetune.errors import DataError

SPACES = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
SPACES += 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'


def paragraph(inside):
    return f"<w:p><w:r>{inside}</w:r></w:p>"


def text(written):
    return f"<w:t>{written}</w:t>"


def table(*rows):
    cells = ("".join(f"<w:tc>{paragraph(text(cell))}</w:tc>" for cell in row) for row in rows)
    return f"<w:tbl>{''.join(f'<w:tr>{row}</w:tr>' for row in cells)}</w:tbl>"


@pytest.fixture
def write(tmp_path):
    def write(body, name="data.docx"):
        path = tmp_path / name
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("[Content_Types].xml", "<x/>")
            archive.writestr("word/document.xml", f"<w:document {SPACES}><w:body>{body}</w:body></w:document>")
        return path

    return write


def test_paragraphs_with_their_breaks(write):
    box = f"<mc:AlternateContent><mc:Choice>{text('box')}</mc:Choice><mc:Fallback>{text('box')}</mc:Fallback>"
    body = paragraph(text("One") + "<w:tab/>" + text("two") + "<w:br/>" + text("three")) + paragraph("")
    body += paragraph("<w:del><w:delText>gone</w:delText></w:del>" + box + "</mc:AlternateContent>")
    assert read_table(write(body)).rows == [{"text": "One\ttwo\nthree"}, {"text": "box"}]


def test_a_table_gives_rows_whatever_the_name(write):
    path = write(
        paragraph(text("Title")) + table(("prompt", "completion"), ("Oslo?", "Yes."), ("Bern?", "No.")), "a.csv"
    )
    assert read_table(path).rows == [
        {"prompt": "Oslo?", "completion": "Yes."},
        {"prompt": "Bern?", "completion": "No."},
    ]


@pytest.mark.parametrize("body", ["<w:p>", "&nothing;", ""])
def test_a_damaged_or_empty_document_is_refused_in_words(write, body):
    with pytest.raises(DataError, match="damaged Word document|There are no rows"):
        read_table(write(body))
