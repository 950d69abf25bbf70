"""Each fault that would make an answer worthless is planted, and stops the question before any answer."""

import shutil
from contextlib import nullcontext

import pytest
import torch
from peft.tuners.lora import LoraLayer
from safetensors.torch import load_file, save_file

from finetune.errors import ModelError, RunError
from finetune.inference import panel as panels
from finetune.inference.integrity import Check, Integrity
from finetune.inference.panel import Column, Panel
from finetune.inference.sampling import Sampling, TokenSampler
from finetune.models.loading import load_weights
from finetune.runs.events import Fingerprinted
from finetune.runs.fingerprint import weights_fingerprint
from finetune.runs.workspace import Workspace
from tests.inference.tuned import tuned_run

SHORT = Sampling(greedy=True, max_tokens=3)
QUESTION = [{"role": "user", "content": "What of the sea?"}]

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def home(tiny_model, tmp_path_factory):
    """A workspace whose base is a copy, which tests may change, and a run of each kind on it."""
    workspace = Workspace(tmp_path_factory.mktemp("home"))
    shutil.copytree(tiny_model, workspace.models_dir / "tiny")
    return workspace, {kind: tuned_run(workspace, {"type": kind}) for kind in ("lora", "ia3", "full", "qlora")}


@pytest.fixture(scope="module")
def shared(home):
    """A panel of tests that leave its models as they are."""
    return Panel(home[0])


@pytest.fixture
def panel(home, shared):
    """A panel whose models a test may spoil."""
    shared.clear()
    return Panel(home[0])


def columns_of(run):
    return Column(run.id, is_base=True), Column(run.id)


def ask(panel, columns, conversations=None, sampling=SHORT):
    *_, last = panel.reply(columns, conversations or [QUESTION] * len(columns), sampling)
    return last


def refused(panel, run, match: str) -> ModelError:
    """The error of a question to base and tuned of ``run``, before any answer; then they are no longer in memory."""
    answers = panel.reply(columns_of(run), [QUESTION] * 2, SHORT)
    with pytest.raises(ModelError, match=match) as error:
        next(answers)
    assert error.value.hint and not panel.pairs.has(run.id)
    return error.value


def variants(pair):
    """Base and tuned of a pair as each decodes alone."""
    return getattr(pair.decoding, "sequential", pair.decoding).variants


@pytest.mark.parametrize("kind", ["lora", "ia3", "full", "qlora"])
def test_sound_columns_pass_and_the_line_says_what_was_checked(kind, home, shared):
    run = home[1][kind]
    shown = ask(shared, columns_of(run), sampling=Sampling(seed=7, max_tokens=3)).integrity
    first = "Base apart from the tuned model" if kind == "full" else "Adapter off in the base"
    assert shown.ok and shown.line == f"{first} · same prompt tokens · same seed 7"
    assert all(check.passed and check.words.endswith(".") and not check.hint for check in shown.checks)
    assert ask(shared, columns_of(run)).integrity.line.endswith("same settings, greedy")


@pytest.mark.parametrize("kind", ["lora", "ia3", "qlora"])
def test_an_adapter_left_on_in_the_base_is_caught(kind, home, panel):
    run = home[1][kind]
    ask(panel, columns_of(run))
    base, tuned = variants(panel.pairs.get(run.id))
    base.ready = tuned.ready
    refused(panel, run, "not the untouched base: an adapter is left on in it")


def test_an_adapter_left_on_only_while_tokens_are_decoded_is_caught(home, panel):
    run = home[1]["lora"]
    ask(panel, columns_of(run))
    decoding = panel.pairs.get(run.id).decoding
    step = decoding.step
    decoding.step = lambda tokens, position: step(tokens, position)[[1, 1]]
    refused(panel, run, "an adapter is left on")
    assert ask(panel, columns_of(run)).integrity.ok, "asked again, the models are loaded anew"


@pytest.mark.parametrize("kind", ["lora", "qlora"])
def test_an_adapter_merged_into_the_base_is_caught(kind, home, panel):
    run = home[1][kind]
    ask(panel, columns_of(run))
    pair = panel.pairs.get(run.id)
    if kind == "qlora":  # with the adapter off, PEFT would take it out of the weights again
        variants(pair)[0].ready = nullcontext
    for layer in pair.decoding.model.modules():
        if isinstance(layer, LoraLayer):
            layer.merge()
    refused(panel, run, "changed in memory, as by merging" if kind == "lora" else "not the untouched base")


def test_weights_changed_behind_a_column_without_a_base_are_caught(home, panel):
    run = home[1]["lora"]
    ask(panel, [Column(run.id)])
    (voice,) = panel._voices.values()
    with torch.no_grad():
        voice.untouched.model.get_input_embeddings().weight.mul_(1.01)
    with pytest.raises(ModelError, match="changed in memory"):
        ask(panel, [Column(run.id)])


def test_a_tuned_model_that_answers_as_the_base_is_caught(home, panel):
    run = home[1]["full"]
    ask(panel, columns_of(run))
    base, tuned = variants(panel.pairs.get(run.id))
    base.model = tuned.model
    refused(panel, run, "another model answers in its place")


def test_a_tuned_model_that_is_loaded_as_the_base_is_caught(home, panel, monkeypatch):
    run = home[1]["full"]
    monkeypatch.setattr(
        "finetune.inference.untouched.load_base",
        lambda settings, workspace, adapter, dtype, device: load_weights(run.model_dir, dtype, device),
    )
    with pytest.raises(ModelError, match="is not the model in .*tiny: its .* has other values than the file"):
        ask(panel, columns_of(run))


@pytest.fixture
def merged(home):
    """Puts a tuned model in place of the base's files; the base is back in the end."""
    workspace, runs = home
    file = workspace.models_dir / "tiny" / "model.safetensors"
    before = file.read_bytes()

    def put():
        weights, tuned = load_file(file), load_file(runs["full"].model_dir / "model.safetensors")
        save_file({name: tuned[name].to(weights[name].dtype) for name in weights}, file, {"format": "pt"})

    yield put
    file.write_bytes(before)


def test_a_merged_model_in_place_of_the_loaded_base_is_caught(home, panel, merged):
    run = home[1]["lora"]
    ask(panel, columns_of(run))
    merged()
    with pytest.raises(ModelError, match="files of the base in .* have changed"):
        ask(panel, columns_of(run))


def test_a_base_whose_files_were_only_touched_is_the_same(home, panel):
    run = home[1]["lora"]
    ask(panel, columns_of(run))
    (home[0].models_dir / "tiny" / "model.safetensors").touch()
    assert ask(panel, columns_of(run)).integrity.ok


@pytest.mark.parametrize("kind", ["lora", "full"])
def test_a_merged_model_in_place_of_the_trained_base_is_caught(kind, home, panel, merged):
    workspace, run = home[0], tuned_run(home[0], {"type": kind})
    run.emit(Fingerprinted(rows="", base=weights_fingerprint(workspace.models_dir / "tiny")))
    assert "have the fingerprint" in ask(panel, columns_of(run)).integrity.checks[0].words
    panel.clear()
    merged()
    with pytest.raises(RunError, match="has changed since run"):
        ask(panel, columns_of(run))


@pytest.mark.parametrize("whose", ["base", "tuned"])
def test_another_chat_template_of_one_of_both_is_caught(whose, home, panel, tmp_path):
    run = tuned_run(home[0], {"type": "lora"})
    folder = home[0].models_dir / "tiny" if whose == "base" else run.model_dir
    file, kept = folder / "chat_template.jinja", (folder / "chat_template.jinja").read_text()
    file.write_text(kept.replace("<|im_start|>' + message", "<|im_start|>the ' + message"))
    try:
        with pytest.raises(ModelError, match="Not the same prompt: at token 2, the base of run") as error:
            ask(panel, columns_of(run))
    finally:
        file.write_text(kept)
    assert "'the " in error.value.message and "chat templates differ" in error.value.hint
    assert ask(panel, columns_of(run)).integrity.ok


def test_own_earlier_answers_are_no_other_question(home, shared):
    def talk(answer):
        return [*QUESTION, {"role": "assistant", "content": answer}, {"role": "user", "content": "And the sky?"}]

    columns = columns_of(home[1]["lora"])
    shown = ask(shared, columns, [talk("Blue."), talk("Arr, it be blue!")])
    assert shown.integrity.ok and "own earlier answers" in shown.integrity.checks[1].words
    with pytest.raises(ModelError, match="Not the same question"):
        ask(shared, columns, [talk("Blue."), [{"role": "system", "content": "Be kind."}, *talk("Blue.")]])


def test_columns_of_two_runs_may_be_asked_by_their_own_recipes(home, shared):
    runs = home[1]
    columns = [Column(runs["lora"].id), Column(runs["ia3"].id)]
    shown = ask(shared, columns, [QUESTION, [{"role": "system", "content": "Be kind."}, *QUESTION]]).integrity
    assert shown.ok and any(check.warns and "its own recipe" in check.words for check in shown.checks)


@pytest.mark.parametrize(
    ("other", "words"),
    [({"seed": 8}, "another seed: 8 instead of 7"), ({"temperature": 1.5}, "another temperature: 1.5 instead of 0.3")],
)
def test_another_seed_or_setting_of_one_column_is_caught(other, words, home, shared, monkeypatch):
    made = []

    def sampler(sampling):
        made.append(sampling)
        return TokenSampler(sampling if len(made) == 1 else sampling.model_copy(update=other))

    monkeypatch.setattr(panels, "TokenSampler", sampler)
    columns = [*columns_of(home[1]["lora"]), Column(home[1]["ia3"].id)]
    with pytest.raises(ModelError, match=f"Not all columns are sampled alike: {words}"):
        ask(shared, columns, sampling=Sampling(seed=7, max_tokens=3))


def test_random_numbers_used_before_are_caught(home, shared, monkeypatch):
    def used(sampling):
        sampler = TokenSampler(sampling)
        sampler(torch.zeros(1, 8))
        return sampler

    monkeypatch.setattr(panels, "TokenSampler", used)
    with pytest.raises(ModelError, match="another random state"):
        ask(shared, columns_of(home[1]["lora"]), sampling=Sampling(max_tokens=3))


def test_an_adapter_that_does_nothing_is_a_warning(home, panel):
    run = tuned_run(home[0], {"type": "lora"})
    file = run.model_dir / "adapter_model.safetensors"
    weights = load_file(file)
    save_file({name: weight * ("lora_A" in name) for name, weight in weights.items()}, file, {"format": "pt"})
    shown = ask(panel, columns_of(run))
    *_, last = shown.integrity.checks
    assert shown.integrity.ok and last.warns and "exactly the base's logits" in last.words
    assert shown.integrity.line.endswith("training changed nothing")
    assert shown.said[0].text == shown.said[1].text


def test_the_same_base_in_four_bits_is_a_warning(home, shared):
    shown = ask(shared, [*columns_of(home[1]["lora"]), Column(home[1]["qlora"].id)]).integrity
    assert shown.ok and [check.name for check in shown.checks if check.warns] == ["bases in different precision"]


def test_all_that_failed_is_in_the_error():
    checks = Check("a", False, "A failed.", "Mend A."), Check("b", True, "Fine."), Check("c", False, "C failed.")
    found = Integrity(checks)
    assert not found.ok and found.line == "Not comparable: a; c"
    with pytest.raises(ModelError) as error:
        found.require()
    assert str(error.value) == "A failed. Mend A.\n- C failed."
    assert Integrity(checks[1:2]).require().line == "B"
