"""The tests mirror the package, file for file."""

import ast

import pytest

from finetune.paths import PROJECT

WITHOUT_A_FILE = {
    "test_app.py",  # the program as a process: started, killed, asked to end
    "test_samples.py",  # what the shipped samples promise
    "test_docs.py",
    "test_layers.py",
    "test_mirror.py",
    "test_packaging.py",
    "test_style.py",
    "test_zoo.py",  # tiny models of every architecture, which other tests train
    "test_zoo_trials.py",  # what the table of architectures tries
    "test_gallery.py",  # tiny models that also read pictures
    "test_words.py",
    "adapters/test_contract.py",  # every adapter, against plain PEFT and plain Transformers
    "exports/test_older.py",  # exports, opened with an older Transformers
    "data/test_cases.py",  # files in the shapes that people have, each with what its author meant
    "data/test_layouts.py",  # the layouts of vendors, libraries and the Hub that the README lists
    "data/test_truth.py",  # that the tokens shown are the tokens learnt
    "data/test_patterns.py",  # every expression takes linear time
    "data/test_corpus.py",  # bad and odd files of every kind, from a file to its rows
    "starter/test_starter.py",  # the shipped model itself, by what it answers
}
"""Tests of the whole, which mirror no file."""

ELSEWHERE = {"gpu", "benchmarks", "faults", "flow", "threats"}
"""Folders of tests that mirror no package."""

TESTS = sorted((PROJECT / "tests").rglob("test_*.py"))


def mirror(path):
    """Where the test of a file of the package stands."""
    inside = path.relative_to(PROJECT / "finetune")
    return PROJECT / "tests" / inside.parent / f"test_{inside.stem.strip('_')}.py"


MODULES = {mirror(path): path for path in (PROJECT / "finetune").rglob("*.py") if path.name != "__init__.py"}


def name(path) -> str:
    return str(path.relative_to(PROJECT))


@pytest.mark.parametrize("test", MODULES, ids=name)
def test_each_file_has_its_test(test):
    assert test.is_file(), f"{name(MODULES[test])} has no {name(test)}"


@pytest.mark.parametrize("test", TESTS, ids=name)
def test_each_test_has_its_file(test):
    inside = test.relative_to(PROJECT / "tests")
    assert test in MODULES or name(test).removeprefix("tests/") in WITHOUT_A_FILE or inside.parts[0] in ELSEWHERE


@pytest.mark.parametrize("test", TESTS, ids=name)
def test_each_test_asserts_something(test):
    tree = ast.parse(test.read_text(encoding="utf-8"))
    helpers = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and asserts(node, set())}
    found = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]
    assert found, "there is no test in it"
    assert [node.name for node in found if not asserts(node, helpers)] == []


def asserts(function: ast.FunctionDef, helpers: set[str]) -> bool:
    """True if it asserts, expects an error, or calls one of the file's ``helpers`` that does."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in helpers or called in ("raises", "warns", "expect") or called.startswith("assert"):
                return True
    return False
