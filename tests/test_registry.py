import importlib
import sys
from pathlib import Path

import pytest

from finetune import adapters, methods
from finetune.adapters import ADAPTERS, Adapter
from finetune.methods import METHODS, Method
from finetune.registry import discover

BASE = """
class Shape: ...
"""
ROUND = """
from shapes_for_test.base import Shape

class Circle(Shape):
    order = 2

class Ball(Circle):
    order = 1
"""
EDGED = """
from shapes_for_test.base import Shape
from shapes_for_test.round import Circle

class Triangle(Shape): ...

class Square(Shape): ...

class Stranger: ...
"""


@pytest.fixture
def shapes(tmp_path, monkeypatch):
    folder = tmp_path / "shapes_for_test"
    folder.mkdir()
    for name, code in {"__init__": "", "base": BASE, "round": ROUND, "edged": EDGED}.items():
        (folder / f"{name}.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("shapes_for_test")
    for name in [name for name in sys.modules if name.startswith("shapes_for_test")]:
        del sys.modules[name]


def test_the_subclasses_of_a_package_are_found_once_and_in_order(shapes):
    base = importlib.import_module("shapes_for_test.base").Shape
    assert [cls.__name__ for cls in discover(shapes, base)] == ["Ball", "Circle", "Square", "Triangle"]


def test_the_product_finds_its_methods_and_adapters():
    assert {"sft", "dpo"} <= set(METHODS) and {"full", "lora", "qlora"} <= set(ADAPTERS)
    for package, found in ((methods, METHODS), (adapters, ADAPTERS)):
        files = {path.stem for path in Path(package.__file__).parent.glob("*.py")}
        assert set(found) <= files
        assert [cls.order for cls in found.values()] == sorted(cls.order for cls in found.values())


@pytest.mark.parametrize(("package", "base", "found"), [(methods, Method, METHODS), (adapters, Adapter, ADAPTERS)])
def test_each_says_what_the_page_needs(package, base, found):
    for name, cls in found.items():
        assert issubclass(cls, base) and cls().type == name
        assert cls.title and cls.plain.endswith(".") and cls.engineer
