"""Who may import whom: a file imports only from rows below its own, also inside functions."""

import ast
import re
import subprocess
import sys

import pytest

import finetune
from finetune.paths import PROJECT

LAYERS = re.search(r"rooms of one:\n\n(.+?)\n\n", finetune.__doc__, re.DOTALL)[1]
"""The rows, top first, from the map of the package. A package is one room: its files may import each other, without a
cycle."""

HEAVY = {"torch", "transformers", "peft", "trl", "bitsandbytes", "accelerate", "datasets"}
"""What the page never loads itself: together they take 6 seconds to import."""

ROW = {name: n for n, row in enumerate(LAYERS.splitlines()) for name in row[:26].split()}
FILES = [PROJECT / "app.py", *sorted((PROJECT / "finetune").rglob("*.py"))]


def part(name: str) -> str:
    """The noun of LAYERS that a module belongs to: ``finetune.ui.data.tab`` is ``ui``."""
    return name.removeprefix("finetune.").split(".")[0]


def module_name(path) -> str:
    return ".".join(path.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__")


def imported(path) -> set[str]:
    """Every module that the file imports, wherever in the file; a submodule imported by name counts as itself."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide which row they point to"
            found |= {
                f"{node.module}.{alias.name}" if is_module(node.module, alias.name) else node.module
                for alias in node.names
            }
    return found


def is_module(package: str, name: str) -> bool:
    return any(
        (PROJECT / package.replace(".", "/") / found).exists() for found in (f"{name}.py", f"{name}/__init__.py")
    )


def ours(path) -> list[str]:
    """The rows of this project that the file imports from."""
    return [part(name) for name in imported(path) if name.startswith("finetune.")]


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_a_file_imports_only_from_rows_below_its_own(path):
    own = part(module_name(path))
    if own == "finetune":
        return  # the package itself re-exports its public nouns
    assert own in ROW, f"{own} has no row in the map of finetune/__init__.py"
    for other in ours(path):
        assert other == own or ROW[other] > ROW[own], f"{module_name(path)} imports {other}, which is not below it"


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_only_the_page_imports_gradio(path):
    packages = {name.split(".")[0] for name in imported(path)}
    assert "gradio" not in packages or part(module_name(path)) in ("ui", "app")


@pytest.mark.parametrize("path", [path for path in FILES if part(module_name(path)) in ("ui", "app")], ids=module_name)
def test_the_page_imports_nothing_heavy(path):
    assert not {name.split(".")[0] for name in imported(path)} & HEAVY


def test_every_row_names_something_that_exists():
    assert set(ROW) <= {part(module_name(path)) for path in FILES}


def test_no_file_imports_itself_round_a_circle():
    """Imports inside functions count: they hide a cycle and do not break it."""
    graph = {module_name(path): imported(path) for path in FILES}
    assert cycle_in({name: {other for other in others if other in graph} for name, others in graph.items()}) == []


def cycle_in(graph: dict[str, set[str]]) -> list[str]:
    """The modules of one cycle in ``graph`` (module -> what it imports), in order; empty if there is none."""
    done: set[str] = set()

    def walk(name: str, path: list[str]) -> list[str]:
        if name in path:
            return path[path.index(name) :]
        if name in done:
            return []
        found = next(filter(None, (walk(other, [*path, name]) for other in sorted(graph[name]))), [])
        done.add(name)
        return found

    return next(filter(None, (walk(name, []) for name in sorted(graph))), [])


def test_a_cycle_is_found():
    assert cycle_in({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c"]
    assert cycle_in({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


@pytest.mark.parametrize("module", ["finetune.ui.page", "finetune.__main__"])
def test_the_page_and_the_command_line_load_without_the_heavy_libraries(module):
    code = f"import sys, {module}; print(*sorted({HEAVY!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
