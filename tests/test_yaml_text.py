"""YAML within a budget: what stands for too much is refused before it is made."""

import ast
import time

import pytest
import yaml

from finetune import yaml_text
from finetune.data.sources import read_text
from finetune.errors import DataError, RecipeError
from finetune.paths import PROJECT
from finetune.recipe import Recipe, read_yaml
from finetune.rewards import read_reward


def merged(levels: int, width: int) -> str:
    """Merge keys that multiply with each level; case 5 of the attacks has 694 bytes."""
    lines = ["a0: &a0 {x: 1, y: 2}"]
    for level in range(1, levels):
        lines.append(f"a{level}: &a{level} {{<<: [{', '.join([f'*a{level - 1}'] * width)}]}}")
    return "\n".join(lines)


def laughing(levels: int, width: int) -> str:
    """Lists of aliases of lists of aliases."""
    lines = ["a0: &a0 [lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * width)}]" for n in range(1, levels)]
    return "\n".join(lines)


HOSTILE = {
    "merge keys": merged(24, 2),
    "wide merge keys": merged(9, 40),
    "merge keys without a list": "\n".join(
        ["a0: &a0 {x: 1}", *(f"a{n}: &a{n} {{<<: *a{n - 1}, b: *a{n - 1}, c: *a{n - 1}}}" for n in range(1, 40))]
    ),
    "a billion laughs": laughing(12, 10),
    "laughs as keys": laughing(12, 10).replace("[lol]", "lol") + "\n? *a11\n: 1",
    "an alias within itself": "a: &a [*a, *a]",
    "a merge with itself": "a: &a {<<: *a}",
    "an alias of nothing": "a: *b",
    "brackets": "[" * 100_000,
    "braces": "{a: " * 5000,
    "questions": "? " * 5000,
    "dashes": "- " * 20_000,
    "a long text": "a: " + "x" * 3_000_000,
    "many values": "[" + "1, " * 300_000 + "]",
}


@pytest.mark.threat("S2", "T30")
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("read", [yaml_text.read, read_yaml, Recipe.from_yaml, read_reward])
def test_a_text_that_stands_for_too_much_is_refused_at_once(read, text):
    started = time.process_time()
    with pytest.raises((yaml.YAMLError, RecipeError, ValueError)):
        read(text)
    assert time.process_time() - started < 5


@pytest.mark.threat("S2")
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_nor_does_a_data_file_take_long(text, tmp_path):
    from finetune.data.sources import read_table

    path = tmp_path / "rows.yaml"
    path.write_text(text)
    started = time.process_time()
    try:
        assert len(read_table(path).rows) < 10
    except DataError as error:
        assert len(str(error)) < 500
    assert time.process_time() - started < 8


def test_aliases_and_merge_keys_of_a_person_are_read():
    text = "base: &base {rank: 8, modules: &m [q, k]}\nuse: {<<: *base, rank: 4}\nagain: *m"
    base = {"rank": 8, "modules": ["q", "k"]}
    assert yaml_text.read(text) == {"base": base, "use": {**base, "rank": 4}, "again": ["q", "k"]}


def test_it_reads_as_yaml_does():
    text = "a: 1\nb: [x, 'y', 2026-01-31, no, ~]\nc: |\n  two\n  lines\n"
    assert yaml_text.read(text) == yaml.safe_load(text)


@pytest.mark.threat("T30")
@pytest.mark.parametrize(
    "tag",
    ["!!python/object/apply:os.system ['id']", "!!python/name:os.system", "!!python/module:os", "!!binary x", "!x y"],
)
def test_a_tag_makes_no_object(tag):
    try:
        value = yaml_text.read(f"a: {tag}")
    except (yaml.YAMLError, ValueError):
        return
    assert isinstance(value["a"], (str, bytes))
    with pytest.raises(DataError):
        read_text("- prompt: !!python/object/apply:os.system ['id']\n  completion: x\n")


OWN_FILES = {"yaml_text.py", "yaml_list.py", "known.py", "samples.py", "presets.py"}
"""Who may read YAML itself: here, a loader of its own behind a refusal of aliases, and files that ship with us."""


@pytest.mark.threat("S2", "T30")
def test_nobody_reads_yaml_past_the_budget():
    names, found = ("load", "safe_load", "full_load", "unsafe_load", "load_all"), set()
    for path in (PROJECT / "finetune").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            owner = getattr(getattr(node, "value", None), "id", "")
            if isinstance(node, ast.Attribute) and owner == "yaml" and node.attr in names:
                found.add(path.name)
                assert node.attr in ("load", "safe_load")
    assert found <= OWN_FILES
