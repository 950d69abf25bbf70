import re

import pytest
import yaml

from finetune.models.architecture import architecture
from finetune.models.known import known_models, local_models
from finetune.paths import ASSETS
from tests import zoo
from tests.benchmarks import models as benchmark

MODELS = known_models()
IDS = [model.id for model in MODELS]
QUICK = ("HuggingFaceTB/SmolLM2-135M-Instruct", "openai/gpt-oss-20b")
MARKED = [pytest.param(each, marks=[] if each in QUICK else pytest.mark.heavy) for each in IDS]


def test_the_folders_of_the_workspace_are_listed(with_tiny):
    (with_tiny.models_dir / "empty").mkdir()
    assert local_models(with_tiny) == ["teacher", "tiny"]


def test_the_list_is_in_order_and_without_repeats():
    sizes = [model.parameters for model in MODELS]
    assert len(IDS) == len(set(IDS)) >= 25
    assert sizes == sorted(sizes) and all(1e8 < size < 1.3e11 for size in sizes)


@pytest.mark.parametrize("model", MODELS, ids=IDS)
def test_each_states_what_one_chooses_by(model):
    assert re.fullmatch(r"[\w.-]+/[\w.-]+", model.id)
    assert model.title and model.license and model.gated in (True, False)
    assert 0 < len(model.good_for.split()) <= 6 and not model.good_for.endswith(".")
    assert ("GB with LoRA" in model.needs) == bool(model.lora_gb) and ("QLoRA," in model.needs) == bool(model.qlora_gb)


def test_memory_is_said_in_words():
    lora, neither = (type(MODELS[0])("a/b", "b", 1, "MIT", False, "tests", *gb) for gb in ((44.0, None), (None, None)))
    assert (lora.needs, neither.needs) == ("About 44 GB with LoRA.", "Its memory can only be measured.")


@pytest.mark.parametrize("model_id", IDS)
def test_each_is_of_an_architecture_that_is_trained_here(model_id):
    assert architecture(benchmark.config(model_id), model_id).type in zoo.architectures()


def test_there_is_a_config_for_each_and_no_other():
    assert sorted(file.stem for file in benchmark.CONFIGS.glob("*.json")) == sorted(
        each.replace("/", "--") for each in IDS
    )


@pytest.mark.parametrize(
    "model_id", [pytest.param(each, marks=[] if each in QUICK else pytest.mark.heavy) for each in IDS]
)
def test_parameters_and_memory_are_those_of_the_estimate(model_id, tmp_path):
    listed = next(
        entry for entry in yaml.safe_load((ASSETS / "models.yaml").read_text("utf-8")) if entry["id"] == model_id
    )
    found = benchmark.figures(model_id, tmp_path / "model")
    assert {name: listed[name] for name in found} == found, "run: python -m tests.benchmarks.models --write"


def test_writing_the_counts_changes_nothing_else():
    text = (ASSETS / "models.yaml").read_text(encoding="utf-8")
    listed = {model.id: model for model in MODELS}
    same = text
    for model_id, model in listed.items():
        found = {"parameters": model.parameters, "lora_gb": model.lora_gb, "qlora_gb": model.qlora_gb}
        same = benchmark.with_figures(same, model_id, found)
    assert same == text
    other = benchmark.with_figures(text, IDS[1], {"parameters": 5, "lora_gb": None})
    assert "parameters: 5\n" in other and len(other.splitlines()) == len(text.splitlines())
