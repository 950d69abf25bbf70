import pytest

from finetune.data.loading import read, read_split
from finetune.data.settings import DataSettings


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("team,question,answer\n" + "".join(f"{n % 3},What is {n}?,It is {n}.\n" for n in range(30)))
    return path


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"config": "main"}, "data.config is not used: it is for datasets on the Hugging Face Hub."),
        ({"split": "test"}, "data.split is not used: it is for datasets on the Hugging Face Hub."),
        ({"sheet": "May"}, "data.sheet is not used: the file is neither a workbook nor an archive."),
        ({"whole_text": True}, "data.whole_text is not used: the file has rows of its own."),
        ({"threshold": 3}, "data.threshold is not used: the rows are conversations."),
        ({"split_long": True}, "data.split_long is not used: the rows are conversations, which stay whole."),
    ],
)
def test_a_setting_that_the_data_has_no_use_for_is_said(file, settings, words):
    assert not [note for note in read(file, DataSettings(path="a.csv")).notes if "not used" in note]
    (note,) = [note for note in read(file, DataSettings(path="a.csv", **settings)).notes if "not used" in note]
    assert words in note


def test_one_that_has_its_use_is_not(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("One.\n\nTwo.\n")
    assert read(path, DataSettings(path="a.txt", whole_text=True, split_long=True)).notes == [
        "The whole text is one row."
    ]
    (note,) = [each for each in read(path, DataSettings(path="a.txt", system="Be kind.")).notes if "not used" in each]
    assert "without a system prompt" in note


@pytest.mark.parametrize("name", ["group", "stratify"])
def test_a_column_to_split_by_is_said_to_be_idle_beside_a_file_of_held_out_rows(file, name):
    settings = DataSettings(path="a.csv", **{name: "team"})
    assert not [note for note in read_split(file, settings, 7)[0].notes if "not used" in note]
    file.with_name("a.held-out.csv").write_text("question,answer\nWho?,Me.\n")
    dataset, train, held_out = read_split(file, settings, 7)
    assert len(train) == 30 and len(held_out) == 1
    assert f"The setting data.{name} is not used: the held-out rows are a file of their own." in dataset.notes
