"""Which tests hold off which threat: collected from the marks in all test files, without running or importing them."""

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from finetune.paths import PROJECT

TESTS = PROJECT / "tests"
THREATS = TESTS / "threats" / "threats.yaml"


@dataclass(frozen=True)
class Threat:
    """A threat, and what holds it off."""

    name: str
    words: str
    does_not_apply: str
    """Why no test is needed; empty if there are tests."""
    tests: tuple[str, ...]
    """``file::test`` of each, as pytest names them."""


@cache
def threats() -> tuple[Threat, ...]:
    """Every threat, in the order of its file."""
    found: dict[str, list[str]] = {}
    for path in sorted(TESTS.rglob("test_*.py")):
        for name, test in marked(path):
            found.setdefault(name, []).append(f"{path.relative_to(PROJECT).as_posix()}::{test}")
    listed = yaml.safe_load(THREATS.read_text(encoding="utf-8"))
    unknown = sorted(set(found) - set(listed))
    assert not unknown, f"{unknown} are not in {THREATS.name}"
    return tuple(
        Threat(name, facts["threat"], facts.get("does_not_apply", ""), tuple(found.get(name, ())))
        for name, facts in listed.items()
    )


def marked(path: Path) -> list[tuple[str, str]]:
    """Threat and test of each mark in a file; a mark of the whole file counts for each of its tests."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [each for each in ast.walk(tree) if isinstance(each, ast.FunctionDef) and each.name.startswith("test_")]
    of_file = [
        name
        for each in tree.body
        if isinstance(each, ast.Assign) and any(getattr(target, "id", "") == "pytestmark" for target in each.targets)
        for call in ast.walk(each.value)
        for name in _names(call)
    ]
    return [
        (name, function.name)
        for function in functions
        for name in dict.fromkeys((*of_file, *(name for each in function.decorator_list for name in _names(each))))
    ]


def _names(node: ast.AST) -> list[str]:
    """The threats that a call of ``pytest.mark.threat`` names."""
    is_mark = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "threat"
    return [argument.value for argument in node.args] if is_mark else []
