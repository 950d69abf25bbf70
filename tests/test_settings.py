import typing
from typing import Literal

import pytest
from pydantic import Field, ValidationError

from finetune.settings import Settings, fields, problems_of, require_size
from tests.docs import GROUPS


class Inner(Settings):
    """A group."""


class Oven(Settings):
    """Settings of every kind."""

    type: Literal["oven"] = "oven"
    heat: float = Field(0.5, gt=0, le=1)
    """How hot it gets."""
    minutes: int | None = Field(None, ge=1)
    """How long it bakes."""
    fan: bool = True
    """Moves the air."""
    mode: Literal["top", "bottom"] = "top"
    """Where the heat comes from."""
    label: str
    """What the door says."""
    shelves: tuple[str, ...] = ()
    """What is on each shelf."""
    inner: Inner = Inner()
    """What is inside."""


def by_name(cls):
    return {field.name: field for field in fields(cls)}


def test_fields_come_in_the_order_they_are_written_without_type():
    assert list(by_name(Oven)) == ["heat", "minutes", "fan", "mode", "label", "shelves", "inner"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("heat", "number"),
        ("minutes", "integer"),
        ("fan", "switch"),
        ("mode", "choice"),
        ("label", "text"),
        ("shelves", "list"),
        ("inner", "group"),
    ],
)
def test_a_field_knows_its_kind(name, kind):
    assert by_name(Oven)[name].kind == kind


def test_a_field_knows_its_bounds_choices_default_and_help():
    found = by_name(Oven)
    assert (found["heat"].minimum, found["heat"].maximum, found["heat"].default) == (0, 1, 0.5)
    assert (found["minutes"].minimum, found["minutes"].maximum, found["minutes"].optional) == (1, None, True)
    assert found["mode"].choices == ("top", "bottom")
    assert found["label"].default is None and not found["label"].optional
    assert found["heat"].help == "How hot it gets." and found["heat"].label == "Heat"


def test_settings_are_frozen_and_refuse_what_they_do_not_know():
    oven = Oven(label="hot")
    with pytest.raises(ValidationError):
        oven.heat = 1.0
    with pytest.raises(ValidationError):
        Oven(label="hot", colour="red")


def refused(**values):
    with pytest.raises(ValidationError) as caught:
        Oven.model_validate(values)
    return problems_of(caught.value, "oven")


def test_all_problems_are_reported_and_each_names_setting_and_value():
    texts = [str(problem) for problem in refused(heat=3, colour="red", minutes=0)]
    assert len(texts) == 4
    assert any(text.startswith("oven.heat: ") and "1" in text and text.endswith("(got 3).") for text in texts)
    assert "oven.colour: There is no such setting. Check the spelling." in texts
    assert "oven.label: This setting is missing." in texts


def test_a_list_that_is_too_short_or_too_long_is_refused_in_words():
    class Shelf(Settings):
        books: tuple[str, ...] = Field(min_length=1, max_length=2)

    for books, words in (((), "At least 1 must be given."), (("a", "b", "c"), "At most 2 can be given.")):
        with pytest.raises(ValidationError) as caught:
            Shelf(books=books)
        assert str(problems_of(caught.value)[0]) == f"books: {words}"


def test_a_huge_value_is_shortened_and_never_written_out_in_full():
    nested = ["lol"]
    for _ in range(60):
        nested = [nested, nested]  # 2**60 strings if written out
    (problem,) = refused(label=nested)
    assert len(str(problem)) < 200


@pytest.mark.parametrize("group", GROUPS.values(), ids=GROUPS)
def test_every_setting_a_person_can_change_has_its_help(group):
    assert group.__doc__
    for field in fields(group):
        assert field.help.endswith((".", ")")), f"{group.__name__}.{field.name} has no help"


def _is_bound(rule) -> bool:
    """True if it limits a length, as a validator of one's own does."""
    return bool(getattr(rule, "max_length", None)) or "AfterValidator" in type(rule).__name__


WHOLE = (".values", ".json_schema")
"""Settings whose content is measured as a whole."""


def _texts(annotation, path, bounded=False, seen=None):
    """Each text setting at any depth, as its path and whether something bounds it."""
    seen = set() if seen is None else seen
    origin, parts = typing.get_origin(annotation), typing.get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, Settings):
        if annotation not in seen:
            seen.add(annotation)
            for name, info in annotation.model_fields.items():
                limits = any(map(_is_bound, info.metadata))
                yield from _texts(info.annotation, f"{path}.{name}", limits, seen)
    elif origin is typing.Literal:
        return
    elif origin is typing.Annotated:
        yield from _texts(parts[0], path, bounded or any(map(_is_bound, parts[1:])), seen)
    elif origin in (tuple, list, dict):
        yield f"{path} (how many)", bounded
        for part in parts:
            if part is not Ellipsis and part not in (object, typing.Any):
                yield from _texts(part, f"{path}[]", path.endswith(WHOLE), seen)
    elif parts:
        for part in parts:
            yield from _texts(part, path, bounded, seen)
    elif annotation is str:
        yield path, bounded


@pytest.mark.threat("S7", "T36")
def test_every_text_and_every_list_of_a_recipe_has_a_longest():
    from finetune.evaluation.sheet import Request
    from finetune.recipe import Recipe

    found = dict([*_texts(Recipe, "recipe"), *_texts(Request, "request")])
    types = {path for path in found if path.endswith(".type")}
    unbounded = sorted(path for path, bounded in found.items() if not bounded and path not in types)
    assert len(found) > 40 and not unbounded


@pytest.mark.threat("S7", "S2")
def test_the_size_of_a_value_is_counted_at_any_depth_and_without_end():
    shared = ["x"]
    for _ in range(60):
        shared = [shared, shared]
    ring = []
    ring.append(ring)
    for value in (shared, ring, "x" * 101, {"x" * 101: 1}, [["x" * 50], {"a": "y" * 60}], [0] * 101):
        with pytest.raises(ValueError, match="longer than 100 characters"):
            require_size(value, 100)
    assert require_size({"a": ["b", 1, None]}, 100) == {"a": ["b", 1, None]}
