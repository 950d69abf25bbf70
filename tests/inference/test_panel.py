"""Up to four models asked the same question."""

import threading
import time
import weakref

import pytest

from finetune.adapters import ADAPTERS
from finetune.errors import BusyError, ModelError, RunError
from finetune.inference import memory
from finetune.inference import panel as panels
from finetune.inference.chat import Pair, Pairs
from finetune.inference.panel import Column, Panel, Said, kept, pair_in
from finetune.inference.question import messages, prompt_tokens
from finetune.inference.sampling import Sampling
from finetune.inference.voice import AnswerText
from finetune.runs.workspace import Workspace
from tests.inference.tuned import tuned_run
from tests.tiny import write_tiny_model

SHORT = Sampling(greedy=True, max_tokens=4)
QUESTION = [{"role": "user", "content": "What of the sea?"}]

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def home(tiny_model, tmp_path_factory):
    """A workspace with two bases, and a run of each kind; ``other`` is of the second base."""
    workspace = Workspace(tmp_path_factory.mktemp("home"))
    (workspace.models_dir / "tiny").symlink_to(tiny_model)
    write_tiny_model(workspace.models_dir / "other", seed=5)
    runs = {
        "ia3": tuned_run(workspace, {"type": "ia3"}, steps=(4, 8)),
        "lora": tuned_run(workspace, {"type": "lora"}),
        "pissa": tuned_run(workspace, {"type": "lora", "init": "pissa"}, steps=(4,)),
        "prompt": tuned_run(workspace, {"type": "prompt"}),
        "full": tuned_run(workspace, {"type": "full"}, steps=(4,)),
        "other": tuned_run(workspace, {"type": "ia3"}, model="other", seed=2),
    }
    return workspace, runs


@pytest.fixture(scope="module")
def panel(home):
    return Panel(home[0])


def ask(panel, *columns, sampling=SHORT, question=QUESTION):
    *_, last = panel.reply(columns, [question] * len(columns), sampling)
    return last


def texts(answering) -> list[str]:
    return [said.text for said in answering.said]


def test_four_columns_answer_as_each_does_alone(home, panel):
    workspace, runs = home
    base, tuned = Column(runs["ia3"].id, is_base=True), Column(runs["ia3"].id)
    columns = [Column(runs["full"].id), tuned, base, Column(runs["prompt"].id)]
    shown = ask(panel, *columns)
    assert shown.done and all(said.ended and said.tokens for said in shown.said) and shown.integrity.ok
    assert len(set(texts(shown))) == 4
    for place, column in enumerate(columns):
        assert texts(ask(Panel(workspace), column)) == [texts(shown)[place]]
    *_, pair = Pair.load(runs["ia3"], workspace).reply(QUESTION, QUESTION, SHORT)
    assert [pair.tuned, pair.base] == texts(shown)[1:3]


@pytest.mark.parametrize("kind", ["ia3", "pissa", "full"])
def test_a_checkpoint_answers_with_its_own_weights(kind, home, panel):
    from transformers import AutoModelForCausalLM

    from finetune.models.loading import with_adapter

    workspace, run = home[0], home[1][kind]
    columns = [Column(run.id, is_base=True), Column(run.id), Column(run.id, 4)]
    shown = ask(panel, *columns, sampling=Sampling(greedy=True, max_tokens=12))
    assert len(set(texts(shown))) == 3 and shown.integrity.ok
    folder = run.checkpoints.at(4).path
    dtype = panel.pairs.get(run.id).untouched.model.dtype
    if kind == "full":
        plain = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype).eval()
    else:
        base = AutoModelForCausalLM.from_pretrained(workspace.models_dir / "tiny", dtype=dtype)
        plain = with_adapter(base, folder).eval()
    tokenizer = panel.pairs.get(run.id).tokenizer
    batch = tokenizer.apply_chat_template(QUESTION, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    output = plain.generate(**batch, max_new_tokens=12, do_sample=False)[0, batch["input_ids"].shape[1] :]
    assert texts(shown)[2] == tokenizer.decode(output, skip_special_tokens=True).rstrip("\ufffd")


def test_base_and_tuned_stay_in_one_batch_and_the_others_follow(home, panel):
    runs = home[1]
    columns = [Column(runs["ia3"].id), Column(runs["lora"].id, is_base=True), Column(runs["lora"].id)]
    answers = list(panel.reply(columns, [QUESTION] * 3, SHORT))
    assert answers[0].how.value == "batched" and answers[0].how.reason.endswith("follow one after another")
    counts = [[said.tokens for said in each.said] for each in answers]
    assert counts[0] == [0, 1, 1] and answers[0].said[0] == Said()
    assert all(later >= former for one, two in zip(counts, counts[1:]) for former, later in zip(one, two))
    assert [each.done for each in answers] == [False] * (len(answers) - 1) + [True]
    assert ask(panel, Column(runs["ia3"].id)).how.reason == "the columns answer one after another"


def test_columns_of_runs_on_one_base_share_its_weights(home):
    workspace, runs = home
    panel = Panel(workspace)
    columns = [Column(runs["ia3"].id, is_base=True), Column(runs["ia3"].id), Column(runs["ia3"].id, 4)]
    ask(panel, *columns, Column(runs["prompt"].id))
    bases = {id(voice.untouched) for voice in [panel.pairs.get(runs["ia3"].id), *panel._voices.values()]}
    assert len(bases) == 1
    held = panel.pairs.get(runs["ia3"].id).untouched
    places = {weight.data_ptr() for weight in held.model.parameters()}
    for voice in panel._voices.values():
        own = [weight for weight in voice.decoding.model.parameters() if weight.data_ptr() not in places]
        assert sum(weight.numel() for weight in own) < 5000


def test_another_base_has_tokens_of_its_own_and_it_is_said(home, panel):
    runs = home[1]
    shown = ask(panel, Column(runs["ia3"].id, is_base=True), Column(runs["other"].id, is_base=True))
    assert not shown.is_same_tokens and shown.integrity.ok
    assert any(check.warns and "tokens of its own" in check.words for check in shown.integrity.checks)
    assert ask(panel, Column(runs["ia3"].id)).is_same_tokens


def test_equal_seeds_sample_equal_answers_in_and_out_of_a_batch(home, panel):
    runs = home[1]
    sampling = Sampling(seed=5, temperature=1.0, max_tokens=8)
    base, tuned = Column(runs["lora"].id, is_base=True), Column(runs["lora"].id)
    together = ask(panel, base, tuned, sampling=sampling)
    assert texts(ask(panel, tuned, sampling=sampling)) == texts(together)[1:]
    assert texts(ask(panel, base, sampling=sampling)) == texts(together)[:1]
    other = ask(panel, base, tuned, sampling=sampling.model_copy(update={"seed": 6}))
    assert texts(other) != texts(together)


def test_the_time_of_each_column_is_its_own():
    ended, going = AnswerText(None), AnswerText(None)
    ended.ids, going.ids = [1], [1]
    first = [panels._said(Said(), each, 2.0, 8) for each in (ended, going)]
    assert [(said.first_s, said.tokens_per_s) for said in first] == [(2.0, 0.5)] * 2
    ended.ended, going.ids = True, [1, 2, 3]
    second = [panels._said(said, each, 4.0, 8) for said, each in zip(first, (ended, going))]
    assert second[0].ended and second[0].tokens_per_s == 0.25 and not second[0].is_truncated
    assert (second[1].first_s, second[1].tokens_per_s, second[1].ended) == (2.0, 0.75, False)
    going.ids = list(range(8))
    third = [panels._said(said, each, 8.0, 8) for said, each in zip(second, (ended, going))]
    assert third[0] == second[0] and third[1].is_truncated and third[1].ended


def test_seconds_are_measured_from_a_column_s_own_prompt(home, panel):
    runs = home[1]
    began = time.perf_counter()
    shown = ask(panel, Column(runs["ia3"].id), Column(runs["prompt"].id))
    passed = time.perf_counter() - began
    assert all(0 < said.first_s < passed for said in shown.said)
    assert sum(said.tokens / said.tokens_per_s for said in shown.said) < passed


def test_stop_ends_all_columns(home, panel):
    runs, stop = home[1], threading.Event()
    columns = [Column(runs["ia3"].id), Column(runs["prompt"].id)]
    answers = panel.reply(columns, [QUESTION] * 2, Sampling(greedy=True, max_tokens=400), stop)
    next(answers)
    stop.set()
    *_, last = answers
    assert last.done and all(said.ended and said.tokens <= 1 for said in last.said)


def test_an_abandoned_question_lets_the_next_one_begin(home, panel):
    column = Column(home[1]["ia3"].id)
    answers = panel.reply([column], [QUESTION], SHORT)
    next(answers)
    answers.close()
    assert ask(panel, column).done


def test_the_longest_answer_is_as_long_for_all(home, panel):
    """Virtual tokens take positions of the context: the base could answer for longer."""
    run = home[1]["prompt"]
    question = [{"role": "user", "content": "x" * 440}]
    shown = ask(panel, Column(run.id), Column(home[1]["ia3"].id), sampling=Sampling(max_tokens=400), question=question)
    taken = run.recipe.adapter.virtual_tokens
    read = len(prompt_tokens(panel.pairs.get(home[1]["ia3"].id).tokenizer, question))
    assert all(said.tokens <= 512 - taken - read for said in shown.said)
    with pytest.raises(ModelError, match="reads at most"):
        ask(panel, Column(run.id), question=[{"role": "user", "content": "x" * 600}])


def test_what_cannot_be_asked_is_refused_in_words(home, panel):
    workspace, runs = home
    with pytest.raises(ModelError, match="Between 1 and 4 columns"):
        ask(panel, *[Column(runs["ia3"].id)] * 5)
    with pytest.raises(ModelError, match="these are 1 and 2"):
        panel.reply([Column(runs["ia3"].id)], [QUESTION] * 2)
    with pytest.raises(RunError, match="keeps no checkpoint of step 5"):
        ask(panel, Column(runs["ia3"].id, 5))
    rater = workspace.create(runs["ia3"].recipe.changed(method={"type": "reward"}))
    with pytest.raises(RunError, match="is a reward model"):
        ask(panel, Column(rater.id))


def test_the_pair_of_the_program_is_used_and_what_is_not_asked_is_freed(home):
    workspace, runs = home
    pairs = Pairs(workspace)
    panel, pair = Panel(workspace, pairs), pairs.get(runs["ia3"].id)
    columns = Column(runs["ia3"].id, is_base=True), Column(runs["ia3"].id)
    ask(panel, *columns, Column(runs["full"].id))
    assert pairs.get(runs["ia3"].id) is pair
    (voice,) = panel._voices.values()
    gone, base = weakref.ref(voice), weakref.ref(pair.untouched)
    del voice, pair
    ask(panel, *columns)
    assert gone() is None and base() is not None
    panel.forget(runs["ia3"].id)
    assert base() is None and not pairs.has(runs["ia3"].id)


def test_a_base_outlives_the_change_from_one_run_to_another_on_it(home):
    workspace, runs = home
    panel = Panel(workspace)
    ask(panel, Column(runs["ia3"].id, is_base=True), Column(runs["ia3"].id))
    base = weakref.ref(panel.pairs.get(runs["ia3"].id).untouched)
    ask(panel, Column(runs["prompt"].id, is_base=True), Column(runs["prompt"].id))
    assert panel.pairs.get(runs["prompt"].id).untouched is base()
    panel.clear()
    assert base() is None


def test_nothing_is_loaded_beside_a_training_that_needs_the_memory(home, monkeypatch):
    workspace, runs = home
    panel = Panel(workspace)
    column = Column(runs["ia3"].id)
    ask(panel, column)
    monkeypatch.setattr(memory.hardware, "free_bytes", lambda machine, beside=False: 10)
    monkeypatch.setattr(memory, "holder_of", lambda workspace: runs["lora"])
    assert ask(panel, column).done, "what is in memory is asked"
    with pytest.raises(BusyError, match="is training and holds"):
        ask(panel, Column(runs["full"].id))


def test_the_pair_among_columns_is_that_of_one_run():
    base, tuned = Column("1", is_base=True), Column("1")
    assert pair_in([tuned, Column("2"), base]) == (2, 0)
    assert pair_in([base, Column("2")]) == pair_in([base, Column("1", 4)]) == pair_in([tuned]) == ()


def test_a_chooser_gets_what_can_be_asked(home):
    run = home[1]["ia3"]
    assert kept(run) == [Column(run.id, is_base=True), Column(run.id), Column(run.id, 4), Column(run.id, 8)]


QUICK = ({"adapter": "lora"}, {"adapter": "full"}, {"adapter": "ptuning"})
REALLY = [
    *QUICK,
    {"adapter": "lora", "method": "dpo"},
    {"adapter": "adalora"},
    {"adapter": "freeze"},
    {"adapter": "lora", "adapter.init": "pissa", "adapter.rank": 4},
    {"adapter": "prefix", "method": "kto"},
    {"adapter": "bottleneck"},
]


@pytest.mark.parametrize(
    "given",
    [pytest.param(each, marks=[] if each in QUICK else [pytest.mark.heavy]) for each in REALLY],
    ids=lambda given: "-".join(map(str, given.values())),
)
def test_a_checkpoint_answers_as_the_run_did_while_it_trained(given, trained, with_tiny):
    kind = {name.removeprefix("adapter."): value for name, value in given.items() if name.startswith("adapter.")}
    rate = min(0.3, max(5e-3, 5e-4 * ADAPTERS[given["adapter"]](**kind).rate_factor))
    run = trained(**given, **{"training.precision": "fp32", "training.learning_rate": rate, "training.seed": 3})
    samples = {sample.step: sample.answers[0] for sample in run.view().samples}
    columns = [column for column in kept(run) if column.step != 8]
    assert [column.step for column in columns] == [None, None, 4]
    question = messages(run.recipe, samples[0].prompt)
    *_, shown = Panel(with_tiny).reply(columns, [question] * 3, SHORT)
    assert shown.integrity.ok and len(shown.integrity.checks) == 3, shown.integrity
    base, tuned, earlier = texts(shown)
    assert base == samples[0].base.rstrip("\ufffd")
    assert earlier == samples[4].tuned.rstrip("\ufffd")
    assert tuned == samples[8].tuned.rstrip("\ufffd") or ADAPTERS[given["adapter"]]().trains_base()
