"""Base and tuned side by side."""

import shutil
import threading
import time

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

from finetune.errors import ModelError, RunError
from finetune.inference.chat import AnswerText, Pair, Pairs, Reply, differences, facts, truncated
from finetune.inference.question import prompt_tokens
from finetune.inference.sampling import Sampling, TokenSampler
from finetune.recipe import Recipe
from finetune.runs.events import Saved
from finetune.service.worker import work

QUESTIONS = [f"{word}?" for word in "abcdefghijklmnopqrstuvwxyz"] + ["Hi", "Γειά", "你好", "🙂", "why not", "12+7"]
"""32 of them."""
GREEDY = Sampling(greedy=True, max_tokens=12)

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def home(tiny_model, tmp_path_factory):
    """A workspace with the tiny model and, by name, a run of each kind that has a tuned model."""
    from finetune.runs.workspace import Workspace

    workspace = Workspace(tmp_path_factory.mktemp("home"))
    (workspace.models_dir / "tiny").symlink_to(tiny_model)
    return workspace, {kind: make_run(workspace, tiny_model, kind) for kind in ("lora", "full", "qlora")}


def make_run(workspace, folder, kind):
    """A run whose model has random changes instead of a training."""
    values = {"name": kind, "model": {"id": "tiny"}, "data": {"path": "x.jsonl"}, "adapter": {"type": kind}}
    run = workspace.create(Recipe.from_dict(values))
    model = AutoModelForCausalLM.from_pretrained(folder)
    torch.manual_seed(1)
    if kind == "full":
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.mul_(1.1)
    else:
        config = LoraConfig(r=4, lora_alpha=8, target_modules="all-linear", task_type="CAUSAL_LM")
        model = get_peft_model(model, config)
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(parameter, std=0.2)
    model.save_pretrained(run.model_dir, **({} if kind == "full" else {"save_embedding_layers": False}))
    run.emit(Saved(what="model", path="model", step=1))
    return run


@pytest.fixture(scope="module")
def pair(home):
    workspace, runs = home
    return Pair.load(runs["lora"], workspace)


def ask(pair, question, sampling=GREEDY, **options):
    """The last reply of base and tuned to ``question``."""
    messages = [{"role": "user", "content": question}]
    *_, reply = pair.reply(messages, messages, sampling, **options)
    return reply


class Untouched:
    """The base without this project: Transformers' own ``generate``."""

    def __init__(self, folder, **loading):
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.model = AutoModelForCausalLM.from_pretrained(folder, **loading).eval()

    def answer(self, question: str, count: int) -> str:
        batch = self.tokenizer.apply_chat_template(
            [{"role": "user", "content": question}], add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        output = self.model.generate(**batch, max_new_tokens=count, do_sample=False)
        text = self.tokenizer.decode(output[0, batch["input_ids"].shape[1] :], skip_special_tokens=True)
        return text.rstrip("\ufffd")


def answers_of(untouched) -> list[str]:
    return [untouched.answer(question, GREEDY.max_tokens) for question in QUESTIONS]


def test_the_base_answers_as_the_untouched_model_beside_an_adapter(pair, tiny_model):
    untouched = Untouched(tiny_model, dtype=pair.decoding.model.dtype)
    replies = [ask(pair, question) for question in QUESTIONS]
    assert [reply.base for reply in replies] == answers_of(untouched)
    assert sum(reply.base != reply.tuned for reply in replies) > 20


@pytest.mark.parametrize("kind", ["lora", "qlora"])
def test_an_adapter_that_cannot_be_switched_off_is_not_shown_as_the_base(kind, home, monkeypatch):
    """As it would be if PEFT's ``disable_adapter`` passed a layer by."""
    from contextlib import nullcontext

    from peft import PeftModel

    workspace, runs = home
    monkeypatch.setattr(PeftModel, "disable_adapter", lambda self: nullcontext())
    with pytest.raises(ModelError, match="With the adapter switched off this model does not answer as its base"):
        Pair.load(runs[kind], workspace)


def test_the_base_answers_as_the_untouched_model_beside_a_full_model(home, tiny_model):
    workspace, runs = home
    pair = Pair.load(runs["full"], workspace)
    dtype = pair.decoding.variants[0].model.dtype
    replies = [ask(pair, question) for question in QUESTIONS]
    assert [reply.base for reply in replies] == answers_of(Untouched(tiny_model, dtype=dtype))
    tuned = Untouched(tiny_model, dtype=dtype)
    tuned.model = AutoModelForCausalLM.from_pretrained(runs["full"].model_dir, dtype=dtype).eval()
    assert [reply.tuned for reply in replies] == answers_of(tuned)


def test_the_base_answers_as_the_quantized_base_beside_a_qlora_adapter(home, pair):
    from finetune.models.loading import load_base

    workspace, runs = home
    recipe = runs["qlora"].recipe
    quantized = Pair.load(runs["qlora"], workspace)
    untouched = Untouched(workspace.models_dir / "tiny")
    untouched.model = load_base(recipe.model, workspace, recipe.adapter, pair.decoding.model.dtype)
    assert [ask(quantized, question).base for question in QUESTIONS[:10]] == answers_of(untouched)[:10]


@pytest.mark.parametrize("kind", ["lora", "full"])
def test_the_base_answers_as_the_untouched_model_while_a_run_trains(home, pair, tiny_model, tmp_path, kind):
    expected = answers_of(Untouched(tiny_model, dtype=pair.decoding.model.dtype))[:6]
    data = tmp_path / "rows.jsonl"
    data.write_text("".join(f'{{"question": "What is {n}?", "answer": "Arr, {n}!"}}\n' for n in range(40)))
    values = {"name": "beside", "model": {"id": "tiny"}, "data": {"path": str(data)}, "adapter": {"type": kind}}
    run = home[0].create(Recipe.from_dict({**values, "training": {"epochs": 500}, "evaluation": {"times": 0}}))
    thread = threading.Thread(target=work, args=(run, home[0]))
    thread.start()
    try:
        before = wait_for_step(run, thread, 1)
        answers = [ask(pair, question).base for question in QUESTIONS[:6]]
        wait_for_step(run, thread, before + 1)
    finally:
        run.cancel()
        thread.join()
    assert answers == expected
    assert run.view().state == "stopped"


def wait_for_step(run, thread, step: int) -> int:
    """The step that ``run``, trained in ``thread``, has reached; at least ``step``."""
    while (reached := run.view().step) < step:
        assert thread.is_alive(), run.view().message
        time.sleep(0.02)
    return reached


def test_base_and_tuned_keep_their_own_histories(pair):
    other = [
        {"role": "user", "content": "a much longer question than the first"},
        {"role": "assistant", "content": "yes"},
    ]
    question = [{"role": "user", "content": "b?"}]
    *_, mixed = pair.reply(question, other + question, GREEDY)
    *_, swapped = pair.reply(other + question, question, GREEDY)
    assert mixed.base == ask(pair, "b?").base
    assert swapped.tuned == ask(pair, "b?").tuned
    assert swapped.base != mixed.base


def test_equal_seeds_give_equal_answers_and_leave_the_random_state_alone(pair):
    torch.manual_seed(3)
    before = torch.get_rng_state()
    sampling = Sampling(seed=5, temperature=1.0, max_tokens=12)
    first, second, other = (
        ask(pair, "x", sampling),
        ask(pair, "x", sampling),
        ask(pair, "x", sampling.model_copy(update={"seed": 6})),
    )
    assert (first.base, first.tuned) == (second.base, second.tuned)
    assert first.base != other.base
    assert torch.equal(torch.get_rng_state(), before)


def test_answers_grow_and_the_last_reply_is_done(pair):
    messages = [{"role": "user", "content": "d?"}]
    replies = list(pair.reply(messages, messages, GREEDY))
    assert [reply.done for reply in replies] == [False] * (len(replies) - 1) + [True]
    for former, latter in zip(replies, replies[1:]):
        assert latter.base.startswith(former.base) and latter.tuned.startswith(former.tuned)
        assert latter.base_tokens >= former.base_tokens
    assert replies[-1].base_tokens <= GREEDY.max_tokens and replies[-1].tokens_per_s > 0


def tokens_of(pair, question) -> tuple[list[int], list[int]]:
    """The tokens of both greedy answers."""
    messages = [{"role": "user", "content": question}]
    answers = AnswerText(pair.tokenizer), AnswerText(pair.tokenizer)
    prompts = (prompt_tokens(pair.tokenizer, messages),) * 2
    list(pair.steps(prompts, answers, TokenSampler(GREEDY), 12, threading.Event()))
    return tuple(answer.ids for answer in answers)


def test_an_answer_that_has_ended_gets_no_more_tokens(pair):
    """The base's fourth token is made an end token."""
    base, tuned = tokens_of(pair, "e?")
    shorter = Pair(pair.decoding, pair.tokenizers, {base[3]}, pair.context, pair.how)
    reply = ask(shorter, "e?")
    assert reply.base_tokens == base.index(base[3]) and not reply.base_truncated
    assert reply.tuned_tokens == (tuned.index(base[3]) if base[3] in tuned else 12)
    assert reply.tuned_truncated == (base[3] not in tuned)
    assert reply.base == pair.tokenizer.decode(base[: reply.base_tokens], skip_special_tokens=True).rstrip("\ufffd")


def test_an_answer_ends_before_a_stop_text(pair):
    whole = ask(pair, "e?")
    text = whole.base[2:4]
    reply = ask(pair, "e?", GREEDY.model_copy(update={"stop": (text,)}))
    assert reply.base == whole.base[: whole.base.index(text)] and not reply.base_truncated
    assert reply.base_tokens < whole.base_tokens
    assert reply.tuned == whole.tuned.split(text)[0]


def test_an_answer_that_was_truncated_is_told_from_one_that_ended():
    reply = Reply("a", "b", 5, 5, 30.04, True, True, True)
    assert truncated(reply) == ["both truncated at 5 tokens"]
    assert facts(reply) == {
        "base": "a", "tuned": "b", "tokens_per_s": 30.0, "base_truncated": True, "tuned_truncated": True,
    }  # fmt: skip
    assert truncated(Reply("a", "b", 3, 5, 30.0, True, False, True)) == ["tuned truncated at 5 tokens"]
    assert truncated(Reply("a", "b", 3, 4, 30.0, True)) == []


def test_a_repetition_penalty_is_that_of_transformers(pair, tiny_model):
    untouched = Untouched(tiny_model, dtype=pair.decoding.model.dtype)
    untouched.model.generation_config.repetition_penalty = 1.7
    sampling = GREEDY.model_copy(update={"repetition_penalty": 1.7})
    answers = [ask(pair, question, sampling).base for question in QUESTIONS[:8]]
    assert answers == answers_of(untouched)[:8]
    assert answers != [ask(pair, question).base for question in QUESTIONS[:8]]


def test_both_end_where_the_template_ends_a_turn(home, tiny_model):
    """As a base model of Qwen2.5: its own end token is another than the one that its template writes."""
    workspace, _ = home
    folder = workspace.models_dir / "base"
    tokenizer, model = AutoTokenizer.from_pretrained(tiny_model), AutoModelForCausalLM.from_pretrained(tiny_model)
    turn = tokenizer.convert_tokens_to_ids("<|im_end|>")
    tokenizer.eos_token = "<|endoftext|>"
    tokenizer.save_pretrained(folder)
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.save_pretrained(folder)
    run = make_run(workspace, tiny_model, "lora")
    (run.path / "recipe.yaml").write_text(run.recipe.changed(**{"model.id": "base"}).to_yaml())
    pair = Pair.load(run, workspace)
    assert pair.end_ids == {turn, tokenizer.eos_token_id}
    logits = torch.zeros(2, len(tokenizer))
    logits[:, turn] = 1
    pair.decoding.prefill = lambda prompts: (logits, None)
    reply = ask(pair, "Hi?")
    assert (reply.base, reply.tuned, reply.base_tokens, reply.tuned_tokens) == ("", "", 0, 0)


def test_stop_ends_both_at_once(pair):
    stop, messages = threading.Event(), [{"role": "user", "content": "f?"}]
    replies = pair.reply(messages, messages, Sampling(greedy=True, max_tokens=400), stop=stop)
    next(replies)
    stop.set()
    rest = list(replies)
    assert len(rest) == 1 and rest[0].done and rest[0].base_tokens <= 1


def test_an_abandoned_answer_lets_the_next_one_begin(pair):
    messages = [{"role": "user", "content": "g?"}]
    replies = pair.reply(messages, messages, GREEDY)
    next(replies)
    assert pair.lock.locked()
    replies.close()
    assert not pair.lock.locked()


def test_an_answer_may_be_continued_by_another_thread(pair):
    messages = [{"role": "user", "content": "h?"}]
    replies = pair.reply(messages, messages, GREEDY)
    taken = []
    while True:
        thread = threading.Thread(target=lambda: taken.append(next(replies, None)))
        thread.start()
        thread.join()
        if taken[-1] is None:
            break
    assert taken[-2] == ask_same(taken[-2], ask(pair, "h?"))
    assert not torch.is_inference_mode_enabled()


def ask_same(first, second):
    """``second`` with the speed of ``first``, which is no part of the answer."""
    return type(second)(**{**vars(second), "tokens_per_s": first.tokens_per_s})


def test_two_people_asking_at_once_get_what_each_gets_alone(pair):
    alone = [ask(pair, question).tuned for question in QUESTIONS[:4]]
    together = [None] * 4

    def put(i):
        together[i] = ask(pair, QUESTIONS[i]).tuned

    threads = [threading.Thread(target=put, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == alone


def test_a_conversation_that_fills_the_context_is_refused_before_anything_is_computed(pair):
    messages = [{"role": "user", "content": "x" * 600}]
    with pytest.raises(ModelError, match="reads at most 512") as refused:
        pair.reply(messages, messages)
    assert "Start a new conversation" in refused.value.hint
    assert not pair.lock.locked()


def test_a_question_with_a_token_that_the_model_does_not_know_is_refused(home, tiny_model):
    """On a GPU the look-up of its embedding would end the process."""
    workspace, _ = home
    folder = workspace.models_dir / "grown"
    shutil.copytree(tiny_model, folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.add_tokens(["sea"])
    tokenizer.save_pretrained(folder)
    run = make_run(workspace, tiny_model, "lora")
    (run.path / "recipe.yaml").write_text(run.recipe.changed(**{"model.id": "grown"}).to_yaml())
    pair = Pair.load(run, workspace)
    with pytest.raises(ModelError, match="gives 'sea' the id 259, and the model knows only 259 tokens"):
        ask(pair, "What of the sea?")
    assert ask(pair, "What of the sky?").done and not pair.lock.locked()


def test_an_answer_is_bounded_by_the_context_length(pair):
    messages = [{"role": "user", "content": "x" * 480}]
    room = pair.context - len(prompt_tokens(pair.tokenizer, messages))
    *_, reply = pair.reply(messages, messages, Sampling(greedy=True, max_tokens=4096))
    assert 0 < room < 40 and reply.base_tokens <= room


def test_a_model_without_a_chat_template_continues_the_text(home, tiny_model):
    workspace, _ = home
    folder = workspace.models_dir / "mute"
    shutil.copytree(tiny_model, folder)
    (folder / "chat_template.jinja").unlink()
    run = make_run(workspace, tiny_model, "lora")
    recipe = run.recipe.changed(**{"model.id": "mute"})
    (run.path / "recipe.yaml").write_text(recipe.to_yaml())
    pair = Pair.load(run, workspace)
    assert pair.continues_text
    plain = Untouched(folder)
    ids = plain.tokenizer("The sea is", return_tensors="pt")
    expected = plain.model.generate(**ids, max_new_tokens=GREEDY.max_tokens, do_sample=False)[0]
    continued = plain.tokenizer.decode(expected[ids["input_ids"].shape[1] :], skip_special_tokens=True)
    assert ask(pair, "The sea is").base == continued.rstrip("\ufffd")
    with pytest.raises(ModelError, match="no chat template") as refused:
        *_, _ = pair.reply([{"role": "system", "content": "Be kind."}], [], GREEDY)
    assert "system prompt" in refused.value.hint


def test_a_run_without_a_model_cannot_be_asked(home):
    workspace, _ = home
    run = workspace.create(Recipe.from_dict({"data": {"path": "x.jsonl"}, "model": {"id": "tiny"}}))
    with pytest.raises(RunError, match="no tuned model"):
        Pairs(workspace).get(run.id)


def test_the_last_pair_is_kept_and_the_former_one_freed(home):
    import weakref

    workspace, runs = home
    pairs = Pairs(workspace)
    first = pairs.get(runs["lora"].id)
    assert pairs.get(runs["lora"].id) is first
    gone = weakref.ref(first.decoding.model)
    del first
    second = pairs.get(runs["full"].id)
    assert gone() is None
    time.sleep(0.01)
    runs["full"].model_dir.touch()
    assert pairs.get(runs["full"].id) is not second


def test_the_pair_of_a_run_that_was_deleted_is_freed(home):
    import weakref

    workspace, runs = home
    pairs = Pairs(workspace)
    gone = weakref.ref(pairs.get(runs["lora"].id).decoding.model)
    pairs.forget(runs["full"].id)
    assert gone() is not None
    pairs.forget(runs["lora"].id)
    assert gone() is None


def test_words_that_differ_are_marked():
    base, tuned = differences("The sea is blue.", "Arr, the sea be blue.")
    assert base == [("The ", "-"), ("sea ", None), ("is ", "-"), ("blue.", None)]
    assert tuned == [("Arr, the ", "+"), ("sea ", None), ("be ", "+"), ("blue.", None)]
    assert differences("same", "same") == ([("same", None)], [("same", None)])
    assert differences("", "new") == ([], [("new", "+")])
    assert "".join(text for text, _ in differences("a  b\n\nc", "d")[0]) == "a  b\n\nc"
