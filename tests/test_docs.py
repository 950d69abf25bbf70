"""README.md and the assets that people read are true."""

import re
import shlex

import pytest
import yaml

from finetune.__main__ import parser
from finetune.paths import ASSETS, PROJECT
from finetune.recipe import Recipe, read_yaml
from finetune.sweep import recipes
from finetune.ui.method.presets import RECIPES, presets
from tests import docs
from tests.faults.__main__ import FAULTS, FILES

README = docs.README.read_text(encoding="utf-8")
CODE = re.findall(r"^```sh\n(.*?)^```", README, flags=re.DOTALL | re.MULTILINE)
YAML = re.findall(r"^```yaml\n(.*?)^```", README, flags=re.DOTALL | re.MULTILINE)
LINES = [line.strip() for block in CODE for line in block.replace("\\\n", " ").splitlines() if line.strip()]
ANSWERS = {
    "yes", "measured only", "packed", "grouped by length", "batched", "sequential", "two copies", "adapter, merged",
}  # fmt: skip
"""What a trial of an architecture may find, beside a refusal in words."""
OWN_COMMANDS = [line for line in LINES if line.startswith("python -m finetune ")]


def test_the_tables_are_what_the_classes_say():
    assert docs.with_tables(README) == README, "run: python -m tests.docs --write"
    lab = docs.LAB.read_text(encoding="utf-8")
    assert docs.with_tables(lab) == lab and all(f"<!-- table: {name} -->" in lab for name in docs.LAB_TABLES)


def test_every_package_is_in_the_table_of_packages():
    table = docs.packages_table()
    folders = {path.parent.name for path in (PROJECT / "finetune").glob("*/__init__.py")}
    assert [name for name in folders if f"`{name}`" not in table] == []


def test_no_architecture_does_anything_wrong():
    rows = docs.architectures()
    words = [row[trial] for row in rows.values() for trial in docs.TRIALS if trial in row]
    assert len(rows) > 130 and not [each for each in words if each.startswith(("wrong", "crash"))]
    for each in words:
        refused = each.removeprefix("adapter; merged ").startswith("refused: ") and each.endswith(".")
        assert each in ANSWERS or refused, each


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
    words = shlex.split(line, comments=True)
    for before, word in zip(["", *words], words):
        if before != "--to" and word.endswith((".py", ".sh", ".txt", ".jsonl")):
            assert (PROJECT / word).is_file(), word


@pytest.mark.parametrize("text", YAML)
def test_a_recipe_in_the_readme_is_a_recipe(text):
    assert all(recipe.data.path for recipe in recipes(read_yaml(text)))


def test_every_picture_and_linked_file_exists():
    pairs = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", README)
    assert pairs
    for target in pairs:
        assert target.startswith("https://") or (PROJECT / target).is_file(), target


def test_every_link_within_the_readme_has_its_heading():
    headings = re.findall(r"^#+ (.+)$", README, flags=re.MULTILINE)
    slugs = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
    linked = set(re.findall(r"\]\(#([^)]+)\)", README))
    assert linked and linked <= slugs


def test_every_file_and_folder_that_the_readme_names_exists():
    named = re.findall(r"`((?:app\.py|finetune/|assets/|tests/)[\w./-]*)`", README)
    assert len(named) > 10
    for name in named:
        assert (PROJECT / name).exists(), name


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


def entries(name: str, parts: str) -> list[tuple[str, list[str], str]]:
    """Date, lines and last part of each entry of a file in assets/, which must have just the ``parts`` named."""
    text = (ASSETS / name).read_text(encoding="utf-8")
    found = []
    for entry in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        heading, *lines = [line for line in entry.splitlines() if line.strip()]
        assert re.fullmatch(r"\d{4}-\d{2}-\d{2}: .{5,80}[^.]", heading), heading
        assert re.findall(r"^- \*\*(\w+):\*\* ", "\n".join(lines), flags=re.MULTILINE) == parts.split(), heading
        found.append((heading[:10], lines, "\n".join(lines).rpartition(f"- **{parts.split()[-1]}:**")[2]))
    assert found and all(len(line) <= 120 for line in text.splitlines() if not line.startswith("| "))
    return found


def test_the_decisions_are_few_and_short_the_oldest_first():
    found = entries("decisions.md", "Decision Why Rejected Status")
    assert len(found) <= 30 and [date for date, _, _ in found] == sorted(date for date, _, _ in found)
    for _, lines, status in found:
        assert 3 <= len(lines) <= 6, lines
        assert status.startswith(" holds, ")
        for file in re.findall(r"`([\w/]+\.\w+|Dockerfile)`", status):
            assert (PROJECT / file).is_file(), file


def test_a_measurement_says_where_it_was_made_and_how_to_repeat_it_the_newest_first():
    found = entries("lab.md", "Measured Machine Figures Repeat")
    assert [date for date, _, _ in found] == sorted((date for date, _, _ in found), reverse=True)
    for _, _, repeat in found:
        commands = re.findall(r"`([^`\n]*(?:python -m|bash) [^`\n]+)`", repeat)
        assert commands, repeat
        for word in " ".join(commands).split():
            if word.startswith(("tests.", "finetune.")):
                assert (PROJECT / word.replace(".", "/")).is_dir() or (
                    PROJECT / f"{word.replace('.', '/')}.py"
                ).is_file()
            elif word.startswith("tests/"):
                assert (PROJECT / word).exists(), word


def test_every_injected_fault_has_its_test():
    tests = [
        path
        for name in FILES
        for path in ((PROJECT / name).rglob("test_*.py") if (PROJECT / name).is_dir() else [PROJECT / name])
    ]
    text = "\n".join(path.read_text(encoding="utf-8") for path in tests)
    assert [test for test in FAULTS if f"def {test}(" not in text] == []
    assert [line["fault"] for line in docs.figures("faults")] == list(FAULTS.values())
