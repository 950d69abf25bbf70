"""The license of a base: from its card, from its license file, from the list of known models, or unknown."""

import pytest

from finetune.models.known import known_models
from finetune.models.licenses import OTHER, License, in_folder, license_of
from finetune.recipe import ModelSettings


def of_card(folder, text) -> License | None:
    (folder / "README.md").write_text(text)
    return in_folder(folder)


def test_the_starter_is_free(tmp_path):
    found = license_of(ModelSettings(id="starter"), tmp_path)
    assert found == License("apache-2.0") and found.title == "Apache 2.0" and not found.warning


@pytest.mark.parametrize(
    ("front", "expected"),
    [
        ("license: llama3.2", License("llama3.2")),
        ("license: [gemma]", License("gemma")),
        ("license: MIT", License("mit")),
        (
            "license: other\nlicense_name: lfm1.0\nlicense_link: https://example.org/LICENSE",
            License(OTHER, "lfm1.0", "https://example.org/LICENSE"),
        ),
        ("license: other\nlicense_link: javascript:alert(1)", License(OTHER)),
        ("license: 7", None),
        ("license: '<b>x</b>'", None),
        ("license: [a, b]", None),
        ("tags: [x]", None),
        ("license: &a [*a]", None),
        ("- a list", None),
        ("license: 'mit", None),
    ],
)
def test_the_card_of_a_folder_says_it_or_it_is_not_known(tmp_path, front, expected):
    assert of_card(tmp_path, f"---\n{front}\n---\n# Model\n") == expected


def test_a_card_without_metadata_says_nothing(tmp_path):
    assert of_card(tmp_path, "# A model\nlicense: mit\n") is None
    (tmp_path / "README.md").unlink()
    assert in_folder(tmp_path) is None


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (
            "                                 Apache License\n                           Version 2.0, January 2004\n",
            "apache-2.0",
        ),
        ("LLAMA 3.1 COMMUNITY LICENSE AGREEMENT\nLlama 3.1 Version Release Date", "llama3.1"),
        ("META LLAMA 3 COMMUNITY LICENSE AGREEMENT", "llama3"),
        ("Gemma Terms of Use\nLast modified", "gemma"),
        ("MIT License\n\nPermission is hereby granted, free of charge, to any person obtaining", "mit"),
        ("All rights are ours.", None),
    ],
)
def test_the_text_of_a_license_is_recognized(tmp_path, text, key):
    (tmp_path / "LICENSE.txt").write_text(text)
    assert in_folder(tmp_path) == (License(key) if key else None)
    assert of_card(tmp_path, "---\nlicense: gemma\n---\n") == License("gemma")


def test_a_folder_of_the_workspace_comes_before_the_list_and_the_list_before_nothing(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "README.md").write_text("---\nlicense: cc-by-nc-4.0\n---\n")
    assert license_of(ModelSettings(id="mine"), tmp_path).key == "cc-by-nc-4.0"
    assert license_of(ModelSettings(id="google/gemma-3-270m-it"), tmp_path).key == "gemma"
    assert license_of(ModelSettings(id="someone/unknown"), tmp_path) is None
    assert license_of(ModelSettings(id="none"), tmp_path) is None


def test_every_license_of_the_list_is_known(tmp_path):
    for known in known_models():
        found = license_of(ModelSettings(id=known.id), tmp_path)
        assert found.key != OTHER or found.name == known.license == "LFM Open License 1.0"
        assert bool(found.warning) == (known.license not in ("Apache 2.0", "MIT")), known


@pytest.mark.parametrize(
    ("license", "words"),
    [
        (License("llama3"), "Built with Meta Llama 3"),
        (License("llama3.3"), "“Built with Llama”, begin the model's name with “Llama”"),
        (License("llama4"), "acceptable use policy"),
        (License("llama2"), "acceptable use policy"),
        (License("gemma"), "limits of use"),
        (License("cc-by-nc-4.0"), "forbids commercial use"),
        (License("cc-by-nc-nd-4.0"), "forbids passing on"),
        (License("bigscience-openrail-m"), "limits what"),
        (License(OTHER, "Qwen-Research"), "forbids commercial use"),
        (License("mit", also="llama3.1"), "Built with Llama"),
    ],
)
def test_what_a_license_asks_for_is_said(license, words):
    assert words in license.warning


@pytest.mark.parametrize("key", ["apache-2.0", "mit", "bsd-3-clause", "cc-by-4.0", "cc-by-sa-4.0"])
def test_a_license_that_asks_for_little_has_no_warning(key):
    assert License(key).warning == ""


def test_a_warning_without_a_rule_of_names_has_none():
    assert "begin the model's name" not in License("llama2").warning + License("gemma").warning
