"""Hostile documents and archives, given to the program as an upload is: each ends with a sentence, soon and small."""

import gzip
import io
import time
import zipfile

import psutil
import pytest

from finetune.data.sources import read_table
from finetune.errors import DataError

TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType='
    '"application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" ContentType='
    '"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>'
)
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
RELATIONS = '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{}</Relationships>'
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
OPEN = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("table", "office", "text")
)
BIG = "9" * 15
LAUGHS = '<!DOCTYPE x [<!ENTITY l0 "lol">{}]>'.format(
    "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
)
LONG = f'<!DOCTYPE x [<!ENTITY a "{"a" * 50_000}">]>'
OUTSIDE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


def zipped(members: dict[str, str | bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            kind = zipfile.ZIP_STORED if name == "mimetype" else zipfile.ZIP_DEFLATED
            archive.writestr(zipfile.ZipInfo(name), text, kind)
    return content.getvalue()


def excel(rows: str, head: str = "", sheets: int = 1) -> bytes:
    named = "".join(f'<sheet name="S{n}" sheetId="{n + 1}" r:id="rId1"/>' for n in range(sheets))
    return zipped(
        {
            "[Content_Types].xml": TYPES,
            "_rels/.rels": RELATIONS.format(
                f'<Relationship Id="rId1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
            ),
            "xl/workbook.xml": f'<workbook {MAIN} xmlns:r="{OFFICE}"><sheets>{named}</sheets></workbook>',
            "xl/_rels/workbook.xml.rels": RELATIONS.format(
                f'<Relationship Id="rId1" Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
            ),
            "xl/worksheets/sheet1.xml": f"{head}<worksheet {MAIN}><sheetData>{rows}</sheetData></worksheet>",
        }
    )


def cell(place: str, text: str) -> str:
    return f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>'


def row(number: object, *cells: str) -> str:
    return f'<row r="{number}">{"".join(cells)}</row>'


def calc(rows: str, head: str = "", sheets: int = 1) -> bytes:
    tables = "".join(f'<table:table table:name="S{n}">{rows}</table:table>' for n in range(sheets))
    body = f"<office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body>"
    return zipped(
        {
            "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
            "content.xml": f"{head}<office:document-content {OPEN}>{body}</office:document-content>",
        }
    )


def ods_cell(text: str, more: str = "") -> str:
    return f'<table:table-cell office:value-type="string" {more}><text:p>{text}</text:p></table:table-cell>'


def ods_row(cells: str, more: str = "") -> str:
    return f"<table:table-row {more}>{cells}</table:table-row>"


def word(body: str, head: str = "") -> bytes:
    main = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    return zipped({"[Content_Types].xml": "<x/>", "word/document.xml": f"{head}<w:document {main}>{body}</w:document>"})


HEAD = row(1, cell("A1", "prompt"), cell("B1", "completion"))
ODS_HEAD = ods_row(ods_cell("prompt") + ods_cell("completion"))
WORKBOOKS = {
    "a row of twelve digits.xlsx": excel(HEAD + row(999999999999, cell("A2", "x"), cell("B2", "x"))),
    "a row of 4,000 digits.xlsx": excel(HEAD + row("9" * 4000, cell("A2", "x"))),
    "a row of 5,000 digits.xlsx": excel(HEAD + row("9" * 5000, cell("A2", "x"))),
    "rows a million apart.xlsx": excel(HEAD + "".join(row(n * 10**6, cell("A1", "x")) for n in range(1, 100))),
    "a row before the first.xlsx": excel(row(-(10**12), cell("A1", "x")) + HEAD),
    "a far column.xlsx": excel(HEAD + row(2, cell("ZZZ2", "x"))),
    "a column of nine letters.xlsx": excel(HEAD + row(2, cell("XFDXFDXFD2", "x"))),
    "far columns.xlsx": excel(HEAD + "".join(row(n, cell(f"XFD{n}", "x")) for n in range(2, 3000))),
    "5,000 sheets.xlsx": excel(HEAD, sheets=5000),
    "entities.xlsx": excel(row(1, cell("A1", "&l9;")), LAUGHS),
    "a long entity.xlsx": excel(row(1, cell("A1", "&a;" * 50_000)), LONG),
    "an entity outside.xlsx": excel(row(1, cell("A1", "&a;")) + row(2, cell("A2", "&a;")), OUTSIDE),
    "deep elements.xlsx": excel(HEAD + "<row>" + "<a>" * 100_000 + "</a>" * 100_000 + "</row>"),
    "empty rows.xlsx": excel(HEAD + "<row/>" * 3_000_000),
    "repeated rows.ods": calc(ODS_HEAD + ods_row(ods_cell("a") * 2, f'table:number-rows-repeated="{BIG}"')),
    "repeated often.ods": calc(ODS_HEAD + ods_row(ods_cell("a") * 2, 'table:number-rows-repeated="600000"') * 2),
    "5,000 digits.ods": calc(ODS_HEAD + ods_row(ods_cell("a"), f'table:number-rows-repeated="{"9" * 5000}"')),
    "repeated columns.ods": calc(ODS_HEAD + ods_row(ods_cell("a", f'table:number-columns-repeated="{BIG}"'))),
    "spaces.ods": calc(ODS_HEAD + ods_row(ods_cell(f'<text:s text:c="{BIG}"/>' * 2000) * 2) * 3),
    "3,000 sheets.ods": calc(ODS_HEAD, sheets=3000),
    "entities.ods": calc(ODS_HEAD + ods_row(ods_cell("&l9;")), LAUGHS),
    "deep elements.ods": calc(ODS_HEAD + ods_row(ods_cell("<text:span>" * 50_000 + "</text:span>" * 50_000))),
    "entities.docx": word("<w:p><w:r><w:t>&l9;</w:t></w:r></w:p>", LAUGHS),
    "an entity outside.docx": word("<w:p><w:r><w:t>&a;</w:t></w:r></w:p>", OUTSIDE),
    "deep elements.docx": word("<w:a>" * 50_000 + "</w:a>" * 50_000),
    "deep tables.docx": word("<w:tbl><w:tr><w:tc>" * 20_000 + "</w:tc></w:tr></w:tbl>" * 20_000),
    "a gigabyte.docx": word("<w:p><w:r><w:t>" + " " * 2**28 + "</w:t></w:r></w:p>"),
}


def spent_on(path) -> tuple[object, float, int]:
    """What comes of reading a file: the number of rows or the sentence; the seconds and the bytes that it took."""
    process = psutil.Process()
    before, started = process.memory_info().rss, time.process_time()
    try:
        found = len(read_table(path).rows)
    except DataError as error:
        found = str(error)
    return found, time.process_time() - started, process.memory_info().rss - before


@pytest.mark.threat("S3", "T10")
@pytest.mark.parametrize("name", WORKBOOKS)
def test_a_hostile_document_ends_with_a_sentence(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(WORKBOOKS[name])
    found, seconds, size = spent_on(path)
    assert isinstance(found, str) and 0 < len(found) < 400 or found < 100
    assert seconds < 20 and size < 500 * 2**20
    assert "root:" not in str(found)


@pytest.mark.heavy
def test_a_value_in_the_last_row_that_excel_has_is_read(tmp_path):
    path = tmp_path / "a.xlsx"
    path.write_bytes(excel(HEAD + row(2**20, cell(f"A{2**20}", "x"), cell(f"B{2**20}", "y"))))
    assert list(read_table(path).rows) == [{"prompt": "x", "completion": "y"}]


def nested(levels: int) -> bytes:
    content = zipped({"rows.csv": "prompt,completion\na,b\n"})
    for level in range(levels):
        content = zipped({f"{level}.zip": content})
    return content


ZEROS = gzip.compress(b"\0" * 2**28)
ARCHIVES = {
    "rows.csv": gzip.compress(b"a,b\n" * 2**26),
    "rows.jsonl.gz": gzip.compress(b"{}\n" * 2**26),
    "twice.gz": gzip.compress(ZEROS),
    "rows.zip": zipped({"rows.csv": b"a,b\n" * 2**26}),
    "nested.zip": nested(8),
    "many.zip": zipped({f"{n}.csv": "a,b\n1,2\n" for n in range(20_000)}),
    "renamed.parquet": ZEROS,
    "renamed.xlsx": zipped({"[Content_Types].xml": "x", "xl/workbook.xml": b" " * 2**28}),
}


@pytest.mark.threat("T10")
@pytest.mark.parametrize("name", ARCHIVES)
def test_an_archive_that_unpacks_to_too_much_ends_with_a_sentence(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(ARCHIVES[name])
    found, seconds, size = spent_on(path)
    assert isinstance(found, str) and 0 < len(found) < 1500
    assert seconds < 10 and size < 200 * 2**20


@pytest.mark.threat("T12")
@pytest.mark.parametrize(
    "name",
    ["../../x.csv", "/tmp/x.csv", "a/../../x.csv", "..\\x.csv", "x\u202evsc.csv", "x" * 400 + ".csv", "C:\\x.csv"],
)
def test_a_member_of_an_archive_is_unpacked_nowhere_else(tmp_path, name):
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    (folder / "rows.zip").write_bytes(zipped({name: "prompt,completion\na,b\n"}))
    found, _, _ = spent_on(folder / "rows.zip")
    assert found == 1 or isinstance(found, str)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["rows.zip"]
