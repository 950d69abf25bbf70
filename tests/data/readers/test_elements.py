"""The elements of an XML document as a stream: what is asked for comes, the rest is gone."""

import io
import tracemalloc

import pytest

from finetune.data.readers.elements import DEEPEST, elements
from finetune.errors import DataError


def found(text: str, whole, begun=()):
    events = elements(io.BytesIO(text.encode()), whole, begun)
    return [(event, node.tag, "".join(node.itertext()) if event == "end" else "") for event, node in events]


def test_the_outermost_elements_come_whole_and_in_order():
    text = "<a><t><p>one <b>two</b></p><q>no</q></t><p>three <p>four</p></p><t/></a>"
    assert found(text, ("p",), ("t",)) == [
        ("start", "t", ""),
        ("end", "p", "one two"),
        ("end", "p", "three four"),
        ("start", "t", ""),
    ]


@pytest.mark.threat("T10", "S3")
def test_what_was_read_leaves_the_memory():
    text = "<a>" + "<x><y/></x>" * 200_000 + "<p>end</p></a>"
    content = io.BytesIO(text.encode())
    tracemalloc.start()
    assert [node.text for _, node in elements(content, ("p",))] == ["end"]
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 2 * 2**20


@pytest.mark.threat("T10")
def test_a_document_that_is_nested_without_end_is_refused():
    with pytest.raises(DataError, match="nested more than"):
        found("<a>" * (DEEPEST + 1) + "</a>" * (DEEPEST + 1), ("p",))
