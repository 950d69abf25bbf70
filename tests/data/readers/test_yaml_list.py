import pytest
import yaml

from finetune.data.readers.signature import Head
from finetune.data.readers.yaml_list import YamlList
from finetune.data.sources import read_table
from finetune.errors import DataError

ROWS = [
    {"prompt": "Where is Oslo?", "messages": [{"role": "user", "content": "It's\ntwo lines"}], "n": 3, "done": True},
    {"prompt": "no", "messages": [], "n": None, "done": False},
]


@pytest.fixture
def read(tmp_path):
    def read(content, name="data.yaml"):
        path = tmp_path / name
        path.write_text(content)
        return read_table(path)

    return read


@pytest.mark.parametrize("style", [True, False, None])
@pytest.mark.parametrize("shape", [list, lambda rows: {"examples": rows}])
def test_what_pyyaml_writes_is_read(read, style, shape):
    assert read(yaml.safe_dump(shape(ROWS), default_flow_style=style)).rows == ROWS


def test_plain_values_stay_as_written(read):
    row = read("- {a: 1.50, b: no, c: 2026-01-31, d: 007, e: 12, f: ~, g: 0x1f, h: on}\n").rows[0]
    assert row == {"a": "1.50", "b": "no", "c": "2026-01-31", "d": "007", "e": 12, "f": None, "g": "0x1f", "h": "on"}


@pytest.mark.parametrize(
    "content, message",
    [
        ("- a: &x [1]\n- b: [*x]\n", "it has an alias"),
        ("- a: [1\n- b", "is not valid YAML"),
        ("- !!python/object:os.system {}\n", "is not valid YAML"),
        ("- a: " + "[" * 40 + "]" * 40 + "\n", "nested too deeply"),
        ("- one\n- two\n", "It is a text"),
    ],
)
def test_a_bad_file_is_refused_in_words(tmp_path, content, message):
    path = tmp_path / "data.yaml"
    path.write_text(content)
    with pytest.raises(DataError, match=message):
        read_table(path)


def test_other_text_is_not_yaml(tmp_path):
    path = tmp_path / "a.md"
    for text in ("- Monday: rain\n", "Dear Ann:\n- one\n", "\n" * 50_000 + "x", "a: b\n"):
        path.write_text(text)
        assert not YamlList().claims(Head.of(path))
