"""The process that reads a PDF, started by itself."""

import json
import subprocess
import sys

import pytest

from finetune.data.readers import pdf_text
from tests.data.readers.test_pdf import document


def said(path, seconds=60, memory=2**31):
    command = [sys.executable, "-I", pdf_text.__file__, str(path), str(seconds), str(memory)]
    done = subprocess.run(command, capture_output=True, env={}, check=False)
    return [json.loads(line) for line in done.stdout.splitlines()], done.returncode


def test_each_page_is_a_line_and_the_end_is_said(tmp_path):
    path = tmp_path / "a.pdf"
    path.write_bytes(document(b"BT /F1 12 Tf (one) Tj ET"))
    assert said(path) == ([["page", "one"], ["end", ""]], 0)


@pytest.mark.parametrize(
    "content", [b"", b"%PDF-1.7\n", b"%PDF-1.7\nxref\n0 99999999999\ntrailer << /Size 9 >>\n%%EOF"]
)
def test_a_damaged_document_is_told(tmp_path, content):
    path = tmp_path / "a.pdf"
    path.write_bytes(content)
    ((kind, _),), code = said(path)
    assert (kind, code) == ("damaged", 0)


@pytest.mark.threat("T10")
def test_the_system_ends_it_when_it_takes_too_long(tmp_path):
    path = tmp_path / "a.pdf"
    path.write_bytes(document(b"/X0 Do", forms=40))
    lines, code = said(path, seconds=1)
    assert lines in ([], [["memory", ""]]) and (code or lines)
