import json
import shlex

import pytest

from finetune.adapters import ADAPTERS
from finetune.exports.production import RANKS, lines, production, ranks, unloadable
from finetune.inference.column import kept
from finetune.recipe import Recipe
from tests.inference.tuned import KINDS_OF_ADAPTERS, tuned_run

LORA = {"peft_type": "LORA", "r": 16, "bias": "none"}


def recipe(adapter=None, **more) -> Recipe:
    return Recipe.from_dict({"data": {"path": "x.jsonl"}, "adapter": adapter or {"type": "lora"}, **more})


def told(given=None, config=LORA, base=("Qwen/Qwen3-0.6B",)):
    return lines(given or recipe(), config, "001-a", list(base), "my runs/001-a/model")


def test_lora_is_loaded_beside_its_base():
    (line,) = told().lines
    assert shlex.split(line) == [
        "vllm", "serve", "Qwen/Qwen3-0.6B", "--enable-lora", "--max-lora-rank", "16",
        "--lora-modules", "001-a=my runs/001-a/model",
    ]  # fmt: skip
    assert told().words == ""


@pytest.mark.parametrize(("rank", "given"), [(1, 1), (2, 8), (8, 8), (9, 16), (33, 64), (300, 320), (512, 512)])
def test_the_rank_is_the_next_that_vllm_knows(rank, given):
    assert f"--max-lora-rank {given} " in told(config={**LORA, "r": rank}).lines[0]
    assert given in RANKS and ranks({"r": 4, "rank_pattern": {"a": rank}}) == max(4, rank)


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ({"use_dora": True}, "DoRA"),
        ({"modules_to_save": ["lm_head"]}, "trained whole"),
        ({"target_parameters": ["mlp.experts.down_proj"]}, "experts"),
        ({"bias": "all"}, "biases"),
        ({"r": 1024}, "its rank is 1,024, above 512"),
        ({"peft_type": "IA3"}, "its type is IA3"),
    ],
)
def test_what_vllm_cannot_load_is_merged_first(config, why):
    found = told(config={**LORA, **config})
    assert [shlex.split(line) for line in found.lines] == [
        ["python", "-m", "finetune", "export", "001-a", "--to", "exported", "--as", "merged"],
        ["vllm", "serve", "exported/001-a-merged"],
    ]
    assert why in found.words and "merged into its base first" in found.words


def test_what_can_be_neither_loaded_nor_merged_is_said():
    found = told(recipe({"type": "prefix"}), {"peft_type": "PREFIX_TUNING"})
    assert found.lines == () and "cannot be merged" in found.words


def test_what_differs_at_vllm_is_said():
    words = told(recipe({"type": "qlora"}, data={"path": "x.jsonl", "system": "Be kind."})).words
    assert "in 4 bits" in words and "Send the system prompt with each request" in words
    line = told(recipe(model={"chat_template": "chatml"})).lines[0]
    assert "--chat-template 'my runs/001-a/model/chat_template.jinja'" in line


def test_a_reward_model_is_not_served():
    assert told(recipe(method={"type": "reward"})).lines == ()


def test_the_lines_of_every_adapter_fit_what_it_saved(with_tiny):
    """An adapter that PEFT saves as plain LoRA is loaded; the others are merged, or said to be neither."""
    found = {}
    for name in ("lora", "dora", "pissa", "embeddings", "qlora", "full", "prefix", "ia3", "bitfit"):
        run = tuned_run(with_tiny, KINDS_OF_ADAPTERS[name])
        assert kept(run)
        given = production(run, with_tiny)
        first = shlex.split(given.lines[0]) if given.lines else [""]
        found[name] = "lora" if "--enable-lora" in first else first[0]
        if found[name] == "lora":
            base, adapter = first[2], first[-1].partition("=")[2]
            assert base == str(with_tiny.models_dir / "tiny") and adapter == str(run.model_dir)
    assert found == {
        "lora": "lora", "dora": "python", "pissa": "lora", "embeddings": "python", "qlora": "lora", "full": "vllm",
        "prefix": "", "ia3": "python", "bitfit": "vllm",
    }  # fmt: skip


def test_a_base_of_the_hub_is_named_by_its_id_and_version(write_run, workspace):
    run = write_run(model={"id": "me/model", "revision": "abc123"})
    run.model_dir.mkdir()
    (run.model_dir / "adapter_config.json").write_text(json.dumps(LORA))
    (line,) = production(run, workspace).lines
    assert line.startswith("vllm serve me/model --revision abc123 --enable-lora ")


def test_first_values_of_another_kind_are_saved_at_twice_the_rank(with_tiny):
    run = tuned_run(with_tiny, {"type": "lora", "init": "pissa", "rank": 16})
    assert ADAPTERS["lora"]().rank == 16 and "--max-lora-rank 32 " in production(run, with_tiny).lines[0]


def test_every_reason_is_a_few_words():
    assert unloadable(LORA) == "" and unloadable({**LORA, "use_dora": True}).islower() is False
