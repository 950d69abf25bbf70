"""The real client of the Hub against a stub of it on this machine."""

import gzip

import pytest

from finetune.data import hub as ours
from finetune.data.hub import fetch, files, is_hub
from finetune.data.settings import DataSettings
from finetune.data.sources import read_tables
from finetune.errors import DataError
from tests.hub_stub import Repo, hub

ROWS = b'{"prompt": "q", "completion": "007"}\n'
CARD = {
    "configs": [
        {"config_name": "easy", "data_files": [{"split": "train", "path": "easy/*.jsonl"}]},
        {"config_name": "hard", "data_dir": "hard", "data_files": {"train": ["a.jsonl", "b.jsonl"], "test": "c.jsonl"}},
    ]
}
FOLDERS = ("easy/x.jsonl", "easy/deep/y.jsonl", "hard/a.jsonl", "hard/b.jsonl", "hard/c.jsonl")

CONFIGURED = Repo(dict.fromkeys(FOLDERS, ROWS), CARD)


@pytest.fixture(autouse=True)
def online(monkeypatch, tmp_path):
    """The client may talk, keeps what it fetches apart, and has a token."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_TOKEN", "a-token")
    ours._fetched.cache_clear()


def names(paths):
    return [
        path.relative_to(path.parents[len(path.parts) - path.parts.index("snapshots") - 3]).as_posix() for path in paths
    ]


def fetched(repo, trusted=False, address="hf://datasets/me/set", **settings):
    with hub(me__set=repo) as running:
        paths = fetch(DataSettings(path=address, **settings), trusted, running.url)
    return names(paths)


def test_a_dataset_is_fetched_and_read_as_it_is_written():
    with hub(me__set=Repo({"README.md": b"#", "train.jsonl": ROWS, "test.jsonl": ROWS * 2})) as running:
        paths = fetch(DataSettings(path="hf://datasets/me/set"), endpoint=running.url)
        assert fetch(DataSettings(path="hf://datasets/me/set"), endpoint=running.url) == paths
        assert sum(path.startswith("api/") for _, path, _ in running.asked) == 1
    assert read_tables(paths).rows == [{"prompt": "q", "completion": "007"}]


@pytest.mark.parametrize(
    "there, split, expected",
    [
        (["data.csv"], None, ["data.csv"]),
        (["a.jsonl", "b.jsonl", ".hidden.json", "dataset_infos.json"], None, ["a.jsonl", "b.jsonl"]),
        (["data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet", "data/test-0.parquet"], None,
         ["data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet"]),
        (["train/1.csv", "dev/1.csv", "evaluation/1.csv"], "validation", ["dev/1.csv"]),
        (["train/1.csv", "dev/1.csv", "evaluation/1.csv"], "test", ["evaluation/1.csv"]),
        (["my_train.csv", "constraint.csv", "my_test.csv"], None, ["my_train.csv"]),
    ],
)  # fmt: skip
def test_the_files_of_a_split_are_recognized_by_their_names(there, split, expected):
    assert fetched(Repo(dict.fromkeys(there, ROWS)), split=split) == expected


@pytest.mark.parametrize(
    "config, split, expected",
    [
        ("easy", None, ["easy/x.jsonl"]),
        ("hard", None, ["hard/a.jsonl", "hard/b.jsonl"]),
        ("hard", "test", ["hard/c.jsonl"]),
    ],
)
def test_the_card_says_which_files_a_configuration_has(config, split, expected):
    assert fetched(CONFIGURED, config=config, split=split) == expected


def test_the_default_configuration_needs_no_name_and_patterns_may_go_deep():
    card = {"configs": [{"config_name": "a", "data_files": "none.csv"}, {"config_name": "b", "default": True,
                         "data_files": [{"split": "train", "path": "**/*.jsonl"}]}]}  # fmt: skip
    assert fetched(Repo({"1.jsonl": ROWS, "x/y/2.jsonl": ROWS}, card)) == ["1.jsonl", "x/y/2.jsonl"]
    only = {"configs": [{"config_name": "only", "data_dir": "./sub"}]}
    assert fetched(Repo({"1.jsonl": ROWS, "sub/2.jsonl": ROWS}, only)) == ["sub/2.jsonl"]


@pytest.mark.threat("T29")
@pytest.mark.parametrize(
    "repo, settings, message",
    [
        (CONFIGURED, {}, "me/set has several configurations; choose one. There are: easy, hard."),
        (CONFIGURED, {"config": "x"}, 'me/set has no configuration "x". There are: easy, hard.'),
        (Repo({"a.csv": ROWS}), {"config": "x"}, 'me/set has no configurations, so there is none named "x".'),
        (CONFIGURED, {"config": "easy", "split": "test"},
         'me/set has no split "test". There are: train.'),
        (Repo({"test.csv": ROWS}), {}, 'me/set has no split "train". There are: test.'),
        (Repo({"a.csv": ROWS}, {"configs": [{"data_files": "b.csv"}]}), {}, "names no data file that exists."),
        (Repo({"set.py": b"", "x.zip": b""}), {}, "me/set has no data file but a loading script"),
        (Repo({"a.csv": b"x"}, sizes={"a.csv": 5 * 2**30}), {}, "me/set is larger than 2,048 MB (5,120 MB)."),
        (Repo(dict.fromkeys((f"{n}.csv" for n in range(201)), ROWS)), {}, "me/set is in 201 files."),
        (Repo(error=(403, "GatedRepo")), {}, "me/set is gated: its owner decides who may download it."),
        (Repo(error=(404, "RepoNotFound")), {}, "There is no dataset me/set on the Hub, or it is private."),
        (Repo(error=(500, "Oops")), {}, "The Hub did not give me/set: it answered 500."),
        (Repo({"a.csv": ROWS}), {"address": "hf://datasets/me/set@v9"}, "me/set has no such revision."),
        (Repo({"a.csv": ROWS}), {"address": "hf://datasets/me/other"}, "There is no dataset me/other on the Hub"),
        (Repo({"a.csv": ROWS}), {"address": "hf://datasets/me/se--t"}, "There is no dataset me/se--t on the Hub"),
        (Repo({"a.csv": ROWS}), {"address": "hf://me/set"}, '"hf://me/set" is not the address of a dataset on'),
        (Repo({"a.csv": ROWS}), {"also": ("b.csv",)}, "Further files cannot be appended to a dataset on the Hub."),
    ],
)  # fmt: skip
def test_each_failure_is_one_sentence(repo, settings, message):
    with pytest.raises(DataError) as error:
        fetched(repo, **settings)
    assert message in str(error.value) and error.value.hint and error.value.__cause__ is None


def test_a_hub_out_of_reach_is_one_sentence(monkeypatch):
    with pytest.raises(DataError, match="The Hub cannot be reached for me/set. Check the connection"):
        fetch(DataSettings(path="hf://datasets/me/set"), endpoint="http://127.0.0.1:9")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(DataError, match="me/set is on the Hub, and this machine is set to work offline"):
        fetch(DataSettings(path="hf://datasets/me/set"), endpoint="http://127.0.0.1:9")


@pytest.mark.threat("T32")
def test_only_a_trusted_recipe_uses_the_token_of_this_machine():
    for trusted in (False, True):
        with hub(me__set=Repo({"a.jsonl": ROWS})) as running:
            fetch(DataSettings(path="hf://datasets/me/set"), trusted, running.url)
        tokens = {token for *_, token in running.asked}
        assert tokens == ({"Bearer a-token"} if trusted else {None})


def test_a_version_can_be_named():
    assert fetched(Repo({"a.jsonl": ROWS}), address="hf://datasets/me/set@main") == ["a.jsonl"]


def test_files_are_found_by_the_find_function(tmp_path):
    settings = DataSettings(path="a.csv", also=("b.csv",))
    assert files(settings, lambda path: tmp_path / path) == [tmp_path / "a.csv", tmp_path / "b.csv"]
    assert is_hub("hf://datasets/me/set") and not is_hub("hf/a.csv")


def test_compressed_files_are_data_and_other_archives_are_not():
    repo = Repo({"data/train.jsonl.gz": gzip.compress(ROWS), "pictures.tar.gz": b"x", "README.md": b"Hi"})
    with hub(me__set=repo) as running:
        paths = fetch(DataSettings(path="hf://datasets/me/set"), endpoint=running.url)
    assert names(paths) == ["data/train.jsonl.gz"]
    assert read_tables(paths).rows == [{"prompt": "q", "completion": "007"}]
