import ast
import subprocess
import sys

import pytest

from finetune.paths import PROJECT

MOST_LINES = 350
"""Of a file."""
MOST_LINES_OF_A_FUNCTION = 60
MOST_PARAMETERS = 8
DATA = {"finetune/starter/questions.py", "finetune/starter/talk.py"}
"""Files that are tables of data, and may be long."""

FILES = [PROJECT / "app.py", *sorted((PROJECT / "finetune").rglob("*.py"))]


def test_ruff_finds_nothing():
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--output-format=concise"], cwd=PROJECT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def name(path) -> str:
    return path.relative_to(PROJECT).as_posix()


def faults(source: str) -> list[str]:
    """What is too long in ``source``: the file, its functions, and their lists of parameters without ``self``."""
    found = [f"{n} lines"] if (n := len(source.splitlines())) > MOST_LINES else []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if (lines := node.end_lineno - node.lineno + 1) > MOST_LINES_OF_A_FUNCTION:
            found.append(f"{node.name}: {lines} lines")
        given = [each.arg for each in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
        if len([each for each in given if each not in ("self", "cls")]) > MOST_PARAMETERS:
            found.append(f"{node.name}: {len(given)} parameters")
    return found


@pytest.mark.parametrize("path", FILES, ids=name)
def test_no_file_function_or_list_of_parameters_is_too_long(path):
    found = faults(path.read_text(encoding="utf-8"))
    assert [each for each in found if name(path) not in DATA or not each.endswith(" lines") or ":" in each] == []


def test_what_is_too_long_is_found():
    assert faults("\n" * 351) == ["351 lines"] and faults("\n" * 350) == []
    long = "def f():\n" + "    1\n" * 60
    assert faults(long) == ["f: 61 lines"] and faults(long[:-6]) == []
    assert faults("def f(self, a, b, c, d, e, f, g, *, h): ...") == []
    assert faults("async def f(a, b, c, d, e, f, g, *, h, i): ...") == ["f: 9 parameters"]
