"""Whether a run fits, told from the config alone."""

import pytest

from finetune.adapters import ADAPTERS
from finetune.data.counts import Counts
from finetune.fit import estimate, time
from finetune.fit.estimate import estimate_fit
from finetune.fit.profile import MemoryProfile
from finetune.machine import hardware
from finetune.methods import METHODS
from finetune.models.known import known_models
from finetune.recipe import Recipe
from tests import gallery, zoo
from tests.benchmarks.models import write_config
from tests.pairs import PAIRS

GIB = 2**30


def recipe(method="sft", adapter="lora", model="tiny", **training):
    return Recipe.from_dict(
        {
            "data": {"path": "rows.jsonl"},
            "model": {"id": model},
            "method": {"type": method},
            "adapter": {"type": adapter},
            "training": {"length": 128, "batch_size": 4, **training},
        }
    )


@pytest.fixture
def with_free(monkeypatch):
    """Pretends that so many bytes of memory are free."""
    return lambda count: monkeypatch.setattr(hardware, "free_bytes", lambda machine: int(count))


def test_parameters_and_trainable_are_those_of_the_real_model(with_tiny, tiny_model):
    from peft import get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(tiny_model)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    full = estimate_fit(recipe(adapter="full"), with_tiny)
    assert full.parameters == full.trainable == parameters
    tuned = get_peft_model(model, recipe().adapter.peft_config())
    trainable = sum(parameter.numel() for parameter in tuned.parameters() if parameter.requires_grad)
    assert (
        estimate_fit(recipe(), with_tiny).trainable
        == estimate_fit(recipe(adapter="qlora"), with_tiny).trainable
        == trainable
    )


@pytest.mark.parametrize(("method", "adapter"), PAIRS)
def test_every_method_and_adapter_gives_a_number_and_a_verdict_for_each_card(with_tiny, method, adapter):
    fit = estimate_fit(recipe(method, adapter), with_tiny, Counts(100, 100, 5000))
    if not (ADAPTERS[adapter].profiled and METHODS[method].profiled):
        assert fit.estimate_bytes == 0 and "can only be measured" in fit.sentence
        return
    assert fit.fits and fit.verdict == "fits" and fit.estimate_bytes > estimate.BUFFERS_BYTES
    assert set(fit.gpus.values()) == {"fits"} and len(fit.gpus) == 7 and fit.seconds > time.START_S


def test_a_step_is_profiled_in_the_numerics_of_the_trainer(with_tiny, monkeypatch):
    steps = []
    monkeypatch.setattr(
        "finetune.fit.profile.profile_step",
        lambda folder, adapter, step: steps.append(step) or MemoryProfile(1, 1, 1, 1),
    )
    for precision, adapter in (("bf16", "lora"), ("fp32", "lora"), ("bf16", "full")):
        estimate_fit(recipe(adapter=adapter, precision=precision), with_tiny, gpus=False)
    assert [(step.mixed_precision, step.base_dtype) for step in steps] == [
        (True, "bfloat16"),
        (False, "float32"),
        (True, "float32"),
    ]
    monkeypatch.setattr("finetune.training.trainer.computes_in_16_bits", lambda precision: precision == "fp32")
    estimate_fit(recipe(precision="fp32"), with_tiny, gpus=False)
    assert steps[-1].mixed_precision, "the trainer's rule is the one that is followed"


def test_what_is_free_decides_the_verdict(with_tiny, with_free):
    needed = estimate_fit(recipe(), with_tiny).estimate_bytes
    for share, word, fits in ((1.2, "fits", True), (1.05, "tight", False), (0.9, "won't fit", False)):
        with_free(needed * share)
        fit = estimate_fit(recipe(), with_tiny)
        assert fit.verdict == word and fit.fits is fits
        assert word in fit.sentence.lower()
    assert "a smaller batch, a shorter length or QLoRA" in fit.sentence


@pytest.mark.parametrize(
    ("less", "more"),
    [
        ({}, {"length": 512}),
        ({}, {"batch_size": 16}),
        ({"accumulation": 4}, {}),
        ({"activation_checkpointing": True}, {}),
        ({}, {"method": "dpo"}),
        ({"adapter": "full"}, {"adapter": "full", "method": "dpo"}),
    ],
)
def test_more_work_at_once_needs_more_memory(with_tiny, less, more):
    less, more = (estimate_fit(recipe(**each), with_tiny, Counts(64), gpus=False) for each in (less, more))
    assert less.estimate_bytes < more.estimate_bytes and less.gpus == {}


def test_short_rows_need_less_than_the_length_allows(with_tiny):
    short, unknown = (estimate_fit(recipe(), with_tiny, counts) for counts in (Counts(longest=20), Counts()))
    assert short.estimate_bytes < unknown.estimate_bytes


def test_compressing_needs_the_files_of_the_weights_beside_what_they_become(with_tiny, monkeypatch):
    monkeypatch.setattr(estimate, "_files_bytes", lambda folder: 10**9)
    lora, qlora = (
        estimate_fit(recipe(adapter=adapter), with_tiny, gpus=False).estimate_bytes for adapter in ("lora", "qlora")
    )
    assert lora < 10**9 < qlora


def test_another_copy_of_the_weights_is_not_counted(tmp_path):
    for name in ("model-00001-of-00002", "model-00002-of-00002", "consolidated"):
        (tmp_path / f"{name}.safetensors").write_bytes(b"x" * 100)
    assert estimate._files_bytes(tmp_path) == 200


@pytest.mark.parametrize("method", [name for name, method in METHODS.items() if method.profiled])
def test_words_that_are_not_learnt_are_not_scored(with_tiny, method):
    answers, everything = (Counts(64, 128, 64 * 128, 64 * trained, trained) for trained in (12, 128))
    answers, everything = (
        estimate_fit(recipe(method, packing=False), with_tiny, counts).estimate_bytes
        for counts in (answers, everything)
    )
    assert answers == everything if METHODS[method]().trains_all else answers < everything


def test_texts_are_estimated_as_blocks_of_the_length(with_tiny):
    texts = Counts(rows=1000, longest=5000, tokens=64 * 200, trained=64 * 200 - 1000)
    blocks = Counts(rows=200, longest=64, tokens=64 * 200, trained=63 * 200, most_trained=63)
    of_texts, of_blocks = (
        estimate_fit(recipe("cpt", packing=False, length=64), with_tiny, counts, gpus=False)
        for counts in (texts, blocks)
    )
    assert of_texts.estimate_bytes == of_blocks.estimate_bytes > 0 and of_texts.seconds == of_blocks.seconds > 0


def test_learning_from_everything_is_told_as_such(with_tiny, monkeypatch):
    monkeypatch.setattr(time, "small_layer_s", lambda: 1.0)
    answers = recipe(packing=False, epochs=3)
    everything = answers.changed(**{"method.train_on": "all"})
    counts = Counts(64, 128, 64 * 128, 64 * 12, 12)
    less, more = (estimate_fit(each, with_tiny, counts, gpus=False) for each in (answers, everything))
    assert less.estimate_bytes < more.estimate_bytes and less.seconds < more.seconds


def test_packed_rows_are_learnt_in_their_common_share(with_tiny):
    uneven, even = (Counts(100, 120, 3000, trained=600, most_trained=most) for most in (110, 6))
    uneven, even = (
        estimate_fit(recipe(packing=True, batch_size=16), with_tiny, counts).estimate_bytes for counts in (uneven, even)
    )
    assert uneven == even


def test_packed_rows_need_what_their_sequences_need(with_tiny):
    counts = Counts(100, 120, 3000)
    packed, padded = (estimate_fit(recipe(packing=pack, batch_size=16), with_tiny, counts) for pack in (True, False))
    assert packed.estimate_bytes < padded.estimate_bytes


def test_time_grows_with_the_work_and_is_left_out_when_unknown(with_tiny, monkeypatch):
    monkeypatch.setattr(time, "flops", lambda device, precision: 1e9)
    monkeypatch.setattr(time, "small_layer_s", lambda: 1.0)
    assert estimate_fit(recipe(), with_tiny, Counts(300)).seconds is None
    counts = Counts(300, tokens=100_000)
    once, thrice = (estimate_fit(recipe(epochs=count), with_tiny, counts, gpus=False) for count in (1, 3))
    assert once.seconds < thrice.seconds < 3 * once.seconds
    assert "About" in once.sentence
    assert estimate_fit(recipe(epochs=3, max_steps=1), with_tiny, counts, gpus=False).seconds < once.seconds
    rounds, many = (estimate_fit(recipe(epochs=1, max_steps=n), with_tiny, counts, gpus=False) for n in (75, 750))
    assert many.seconds > 5 * rounds.seconds, "steps hold whatever the epochs say"
    often = recipe(epochs=1, max_steps=2)
    few, more = (
        estimate_fit(often.changed(**{"evaluation.times": times}), with_tiny, counts, gpus=False) for times in (2, 50)
    )
    assert few.seconds == pytest.approx(more.seconds), "there is a check after each step at most"
    unwatched = recipe(epochs=1).changed(**{"evaluation.times": 0})
    assert estimate_fit(unwatched, with_tiny, counts, gpus=False).seconds < once.seconds


def test_the_rows_kept_for_checking_are_counted_as_they_are(with_tiny, monkeypatch):
    monkeypatch.setattr(time, "flops", lambda device, precision: 1e9)
    monkeypatch.setattr(time, "small_layer_s", lambda: 1.0)

    def seconds(held_out, **settings):
        wanted = recipe(epochs=1).changed(**{f"data.{name}": value for name, value in settings.items()})
        return estimate_fit(wanted, with_tiny, Counts(300, tokens=100_000, held_out=held_out), gpus=False).seconds

    none, some, many = (seconds(count) for count in (0, 60, 600))
    assert none < some and many - none == pytest.approx(10 * (some - none))
    assert seconds(60, held_out_share=0.5) == seconds(60, held_out_share=0) == some


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"training.save_steps": 3},
        {"evaluation.times": 0},
        {"training.save_steps": 1, "training.max_steps": 3},
    ],
)
def test_as_many_checkpoints_are_counted_as_a_run_saves(trained, with_tiny, monkeypatch, settings):
    run, works = trained(**{"training.max_steps": 10, "evaluation.times": 4, **settings}), []
    monkeypatch.setattr(estimate, "seconds", lambda work, *_: works.append(work) or 1.0)
    estimate_fit(run.recipe, with_tiny, Counts(64, 100, 5000), gpus=False)
    saved = [event.step for event in run.view().saved if event.what == "checkpoint"]
    assert works[0].saves == len(saved) and works[0].saves_by_time == (not run.recipe.training.save_steps)
    assert works[0].evaluations == len(run.view().evaluations)


def test_only_words_that_are_learnt_take_time_in_the_head_where_the_trainer_scores_no_others(with_tiny, monkeypatch):
    works = []
    monkeypatch.setattr(estimate, "seconds", lambda work, *_: works.append(work) or 1.0)

    def scored(trained):
        estimate_fit(recipe(), with_tiny, Counts(300, 60, 10_000, trained, 50), gpus=False)
        return works[-1].scored_share

    assert scored(2100) == pytest.approx(0.2) and scored(10_000) < 1
    assert scored(0) == 1, "it is not known"
    monkeypatch.setattr("finetune.training.trainer.scores_trained_tokens_only", lambda device: False)
    assert scored(2100) == 1


def test_a_model_that_is_not_here_is_not_fetched_to_find_out(with_tiny):
    fit = estimate_fit(recipe(model="someone/never-downloaded"), with_tiny)
    assert not fit.fits and fit.estimate_bytes == 0 and "once the model is inspected" in fit.sentence


@pytest.mark.parametrize("name", ["gemma", "gemma2", "gemma3", "gemma3n_text", "gemma4_text", "gpt2", "bloom"])
def test_there_is_an_estimate_for_every_adapter(name, workspace):
    zoo.write(name, workspace.models_dir / name)
    found = {}
    for adapter in ("full", "lora", "qlora"):
        given = recipe(adapter=adapter).changed(**{"model.id": name, "training.length": 64})
        found[adapter] = estimate.estimate_fit(given, workspace, gpus=False).estimate_bytes
    assert found["full"] > found["lora"] > 0 or name == "gemma3n_text"
    assert found["qlora"] > 0 or name == "gemma3n_text"


@pytest.mark.parametrize("name", ["qwen3_vl", "smolvlm", "llama4"])
def test_an_estimate_counts_the_towers_and_trains_none(name, workspace):
    whole = gallery.write(name, workspace.models_dir / name) and gallery.model(name)
    towers = [part for part in whole.named_parameters() if "vision" in part[0] or "visual" in part[0]]
    for adapter in ("full", "lora", "qlora"):
        given = recipe(adapter=adapter).changed(**{"model.id": name, "training.length": 64})
        fit = estimate.estimate_fit(given, workspace, gpus=False)
        assert fit.parameters == sum(weight.numel() for weight in whole.parameters()) and fit.estimate_bytes > 0
        assert 0 < fit.trainable <= fit.parameters - sum(weight.numel() for _, weight in towers)


QUICK = (("google/gemma-3-1b-it", "qlora"), ("openai/gpt-oss-20b", "lora"))
REAL = [
    pytest.param(each.id, adapter, marks=[] if (each.id, adapter) in QUICK else pytest.mark.heavy)
    for each in known_models()
    for adapter in ("lora", "qlora")
]


@pytest.mark.parametrize(("model_id", "adapter"), REAL)
def test_a_model_of_the_list_has_an_estimate_from_its_real_config(model_id, adapter, workspace, monkeypatch):
    folder = write_config(model_id, workspace.models_dir / "real")
    monkeypatch.setattr(estimate, "folder_of", lambda *_: folder)  # as if its weights were there
    given = recipe(adapter=adapter).changed(**{"model.id": "real"})
    fit = estimate_fit(given, workspace, Counts(rows=8, tokens=900, trained=300, longest=120, most_trained=60))
    assert fit.parameters == next(model.parameters for model in known_models() if model.id == model_id)
    assert fit.seconds > 0 and (fit.estimate_bytes > 0 or "can only be measured" in fit.sentence)
    if fit.estimate_bytes:  # as much as the weights at least
        assert fit.estimate_bytes > fit.parameters * (2 if adapter == "lora" else 0.5) and len(fit.gpus) == 7
    assert estimate.gpu_bytes(given, folder) is None or fit.gpus


@pytest.mark.heavy
def test_no_estimate_fails_and_none_is_logged(workspace, capfd):
    counts = Counts(rows=8, tokens=400, trained=100, longest=60, most_trained=20)
    for name in zoo.architectures():
        zoo.write(name, workspace.models_dir / name)
        capfd.readouterr()
        for adapter in ("full", "lora", "qlora"):
            given = recipe(adapter=adapter).changed(**{"model.id": name, "training.length": 64})
            fit = estimate.estimate_fit(given, workspace, counts, gpus=False)
            assert fit.estimate_bytes or "can only be measured" in fit.sentence
            assert fit.seconds > 0, (name, adapter)
        assert "Traceback" not in capfd.readouterr().err


def test_a_model_that_cannot_be_profiled_has_a_time_all_the_same(with_tiny, monkeypatch):
    def broken(*_):
        raise AttributeError("a model's own code")

    monkeypatch.setattr("finetune.fit.profile.profile_step", broken)
    counts = Counts(rows=8, tokens=400, trained=100, longest=60, most_trained=20)
    fit = estimate.estimate_fit(recipe(), with_tiny, counts)
    assert (fit.estimate_bytes, fit.verdict, fit.fits) == (0, "", False)
    assert fit.seconds > 0 and "can only be measured. It takes about" in fit.sentence


def test_a_model_that_cannot_be_built_has_no_estimate_and_no_traceback(with_tiny, monkeypatch):
    def broken(*_):
        raise KeyError("a model's own code")

    monkeypatch.setattr(estimate, "_size", broken)
    assert "can only be measured" in estimate.estimate_fit(recipe(), with_tiny).sentence
