"""README.md and the assets that people read are true."""

import re
import shlex

import pytest
import yaml

from finetune.__main__ import parser
from finetune.model import known_models
from finetune.paths import ASSETS, PROJECT
from finetune.recipe import Recipe, read_yaml
from finetune.sweep import recipes
from finetune.ui.method.presets import RECIPES, presets
from tests import docs

README = docs.README.read_text(encoding="utf-8")
CODE = re.findall(r"^```sh\n(.*?)^```", README, flags=re.DOTALL | re.MULTILINE)
YAML = re.findall(r"^```yaml\n(.*?)^```", README, flags=re.DOTALL | re.MULTILINE)
LINES = [line.strip() for block in CODE for line in block.replace("\\\n", " ").splitlines() if line.strip()]
OWN_COMMANDS = [line for line in LINES if line.startswith("python -m finetune ")]


def test_the_tables_are_what_the_classes_say():
    assert docs.with_tables(README) == README, "run: python -m tests.docs --write"


def test_every_row_of_a_table_is_one_line():
    tables = re.findall(r"<!-- table: [^>]+ -->\n(.*?)<!-- end of table -->", README, flags=re.DOTALL)
    lines = [line for table in tables for line in table.splitlines() if line.startswith("| ") or line.endswith(" |")]
    assert len(lines) > 100 and all(line.startswith("| ") and line.endswith(" |") for line in lines)


def test_every_table_is_in_the_readme():
    assert sorted(re.findall(r"<!-- table: ([^>]+?) -->", README)) == sorted(docs.TABLES)


@pytest.mark.parametrize("line", OWN_COMMANDS)
def test_a_command_in_the_readme_is_understood(line):
    words = shlex.split(line, comments=True)[3:]
    assert parser().parse_args(words).command == words[0]


def test_the_readme_shows_every_command():
    shown = {line.split()[3] for line in OWN_COMMANDS}
    assert shown == {usage.split()[3] for usage, _ in docs.commands()}


@pytest.mark.parametrize("line", [line for line in LINES if line.startswith(("python ", "bash "))])
def test_a_file_that_a_command_names_exists(line):
    for word in shlex.split(line, comments=True):
        if word.endswith((".py", ".sh", ".txt", ".jsonl")):
            assert (PROJECT / word).is_file(), word


@pytest.mark.parametrize("text", YAML)
def test_a_recipe_in_the_readme_is_a_recipe(text):
    assert all(recipe.data.path for recipe in recipes(read_yaml(text)))


def test_every_picture_and_linked_file_exists():
    pairs = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", README)
    assert pairs
    for target in pairs:
        assert target.startswith("https://") or (PROJECT / target).is_file(), target


def test_every_picture_has_words_for_those_who_cannot_see_it():
    pictures = re.findall(r"!\[([^\]]*)\]", README)
    assert len(pictures) == 4
    assert all(len(words) > 20 for words in pictures)


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_recipe_makes_a_recipe(path):
    card = yaml.safe_load(path.read_text(encoding="utf-8"))
    parts = {part: card[part] for part in ("method", "adapter", "training") if part in card}
    recipe = Recipe.from_dict({"data": {"path": "assets/samples/pirate-voice.jsonl"}, **parts})
    assert recipe.method.type == card["method"]["type"] and recipe.adapter.type == card["adapter"]["type"]


def test_there_is_a_card_for_each_preset():
    assert len(presets()) == len(list(RECIPES.glob("*.yaml"))) >= 4


def gigabytes(size: float) -> str:
    return f"{size:.1f}" if size < 9.95 else f"{size:.0f}"


def test_the_list_of_models_is_in_order_and_without_repeats():
    models = known_models()
    sizes = [model.parameters for model in models]
    assert len(models) == len({model.id for model in models})
    assert sizes == sorted(sizes) and all(1e8 < size < 1e11 for size in sizes)


@pytest.mark.parametrize("model", known_models(), ids=lambda model: model.id)
def test_a_listed_model_says_what_it_needs(model):
    assert re.fullmatch(r"[\w.-]+/[\w.-]+", model.id)
    assert model.title and model.licence and model.note.endswith(".") and model.gated in (True, False)
    small, large = (gigabytes(model.parameters * bytes_each / 1e9 + 2) for bytes_each in (0.6, 2))
    assert model.needs == f"About {small} GB with QLoRA, {large} GB with LoRA."


def test_the_decisions_are_dated_paragraphs():
    text = (ASSETS / "decisions.md").read_text(encoding="utf-8")
    dates = re.findall(r"^## (\d{4}-\d{2}-\d{2}): .+$", text, flags=re.MULTILINE)
    assert dates == sorted(dates) and dates
