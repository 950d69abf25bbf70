import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finetune.data.readers.decoder import Decoder
from finetune.data.readers.shortcut import quick
from tests.records import odd, wild, written


@settings(max_examples=300, deadline=None)
@given(lines=st.lists(odd | wild | written, min_size=1, max_size=4))
def test_the_fast_way_reads_what_the_strict_way_reads_or_leaves_it(lines):
    encoded = [line.encode() + b"\n" for line in lines]
    found = quick(b"".join(encoded), encoded)
    if found is not None:
        strictly = [Decoder().value(line.rstrip("\r\n")) for line in lines]
        assert found == strictly and repr(found) == repr(strictly)


@pytest.mark.parametrize(
    "line", [b'{"a": "x", "b": 7}', b'{"m": [{"role": "user", "content": "\\"No\\\\\\", n\xc3\xa4\\n"}]}', b"{}"]
)
def test_plain_rows_are_read_the_quick_way(line):
    assert quick(line, [line]) == [json.loads(line)]
