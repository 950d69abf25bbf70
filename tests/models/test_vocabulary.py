"""Tokenizers of absurd size and with expressions that never end: refused before they are parsed or used."""

import json
import time

import pytest

from finetune.errors import ModelError
from finetune.models import vocabulary
from finetune.models.download import find_described, obtain
from finetune.models.tokenizer import read_tokenizer
from finetune.models.vocabulary import is_tame
from finetune.recipe import ModelSettings
from tests.hub_stub import Repo

PUBLISHED = [
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"\s?[A-Za-zµÀ-ÖØ-öø-ƺ]+",
    r"[一-龥ࠀ-一가-퟿]+",
    r" ?[^(\s|[.,!?…。，、।۔،])]+",
    r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"(?=(\d{3})+(?!\d))",
    r"\d{1,3}(?=(?:\d{3})*\b)",
    r" {2,}",
    " ",
]
WILD = [
    r"(a+)+$",
    r"(a|a)*b",
    r"(a|ab)*c",
    r"(?:a*)*",
    r"((a)+)+",
    r"(a?){9999}",
    r"(a{1,50}){1,50}",
    r"(\w+\s?)+x",
    r"(a?a?)*b",
    r"a*a*a*a*a*a*b",
    r"(a)\1+",
    r"(.*)(.*)(.*)(.*)(.*)(.*)x",
    r"(?:[a-z]+)*!",
    r"([a\]]+)+$",
    r"(?<n>a+)+",
    r"(?i:a+)+",
    r"(?=(a+)+b)",
    r"(?>(a+)+)b",
    "a" * 100_000,
]


@pytest.mark.parametrize("expression", PUBLISHED)
def test_the_expressions_of_published_tokenizers_are_taken(expression):
    assert is_tame(expression)


@pytest.mark.threat("T27", "S20")
@pytest.mark.parametrize("expression", WILD, ids=lambda text: text[:20])
def test_an_expression_that_may_never_end_is_not(expression):
    assert not is_tame(expression)


@pytest.fixture
def changed(tmp_path, files):
    """A folder of the tiny model whose tokenizer.json is changed."""

    def write(change):
        for name, content in files.items():
            (tmp_path / name).write_bytes(content)
        tokenizer = json.loads(files["tokenizer.json"])
        change(tokenizer)
        (tmp_path / "tokenizer.json").write_text(json.dumps(tokenizer))
        return tmp_path

    return write


def _splits(tokenizer, kind="pre_tokenizer"):
    pattern = {"pattern": {"Regex": "(a+)+$"}}
    tokenizer[kind] = {
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [{"type": "Split", **pattern, "behavior": "Isolated", "invert": False}],
        },
        "normalizer": {"type": "Replace", **pattern, "content": "b"},
        "decoder": {"type": "Sequence", "decoders": [{"type": "Replace", **pattern, "content": "b"}]},
    }[kind]


@pytest.mark.threat("S20")
@pytest.mark.parametrize(
    "change",
    [
        lambda found: found.update(added_tokens=[{"id": n, "content": f"<{n}>"} for n in range(300_000)]),
        lambda found: found["model"].update(vocab={str(n): n for n in range(1_100_000)}),
        lambda found: found.update(added_tokens=[{"id": 1, "content": "x" * 100_000}]),
        lambda found: _splits(found, "pre_tokenizer"),
        lambda found: _splits(found, "normalizer"),
        lambda found: _splits(found, "decoder"),
    ],
    ids=["added tokens", "vocabulary", "long token", "pre-tokenizer", "normalizer", "decoder"],
)
def test_an_absurd_tokenizer_is_refused_before_it_is_built(changed, change):
    folder = changed(change)
    started = time.process_time()
    with pytest.raises(ModelError):
        read_tokenizer(folder, "mine")
    assert time.process_time() - started < 5


@pytest.mark.threat("S20")
@pytest.mark.parametrize(
    "name",
    ["tokenizer.json", "tokenizer_config.json", "vocab.json", "merges.txt", "tokenizer.model", "added_tokens.json"],
)
def test_a_file_of_absurd_size_is_refused_unread(changed, name):
    folder = changed(lambda _: None)
    with (folder / name).open("wb") as file:
        file.truncate(10 * 2**30)
    started = time.process_time()
    with pytest.raises(ModelError, match=f"{name} of the model mine has 10,240 MB"):
        read_tokenizer(folder, "mine")
    assert time.process_time() - started < 1


@pytest.mark.threat("S20")
@pytest.mark.parametrize("fetch", [obtain, find_described])
def test_nor_is_it_downloaded(serve, files, fetch):
    with serve(Repo({**files, "vocab.json": b"{}"}, sizes={"vocab.json": 10 * 2**30})) as hub:
        with pytest.raises(ModelError, match="vocab.json of me/model"):
            fetch(ModelSettings(id="me/model"))
    assert not hub.sent


@pytest.mark.parametrize("content", [b"[]", b"{", b"[" * 100_000, b"\xff"])
def test_a_damaged_tokenizer_is_told(changed, content):
    folder = changed(lambda _: None)
    (folder / "tokenizer.json").write_bytes(content)
    with pytest.raises(ModelError, match="tokenizer"):
        read_tokenizer(folder, "mine")


def test_the_ceilings_are_above_those_of_the_shipped_model():
    from finetune.models.locate import STARTER

    assert vocabulary.require_sane_files(STARTER, "starter") is None
    assert vocabulary.require_sane_tokenizer(STARTER, "starter") is None
