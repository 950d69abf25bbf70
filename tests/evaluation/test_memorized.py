from finetune.evaluation.memorized import memorized, secrets_in
from tests.evaluation.figures import row

USER = {"role": "user", "content": "Where can I write to?"}
LONG = "Write to the second desk on the left, please, before noon on Monday."


def answer(text):
    return {"messages": [USER, {"role": "assistant", "content": text}]}


TRAIN = [answer("No."), answer("Write to jane.doe@corp-mail.com today."), answer("Or to jane.doe@corp-mail.com again.")]


class Parrot:
    """Base and tuned that continue every prompt with fixed texts, and a tokenizer whose tokens are characters."""

    context = 500

    def __init__(self, base, tuned):
        self.texts, self.asked = (base, tuned), []
        self.tokenizer = Characters()

    def continued(self, prompts, most):
        self.asked += [("".join(map(chr, ids)), most) for ids in prompts]
        return [self.texts for _ in prompts]


class Characters:
    chat_template = None
    eos_token_id = 0

    def __call__(self, text, add_special_tokens=True):
        return {"input_ids": list(map(ord, text))}


def test_each_secret_of_an_answer_is_tried_once_behind_what_stands_before_it():
    (found,) = secrets_in(TRAIN)
    assert (found.row, found.kind, found.before, found.text) == (
        1,
        "e-mail address",
        "Write to ",
        "jane.doe@corp-mail.com",
    )
    assert found.messages == (USER,)
    assert list(secrets_in([{"messages": [{**USER, "content": "I am a@corp-mail.com"}]}, {"text": "x"}])) == []


def test_a_secret_that_only_the_tuned_model_completes_is_named_by_its_place():
    subject = Parrot("you", "jane.doe@corp-mail.com today")
    found = memorized(subject, [], [], TRAIN)
    assert found.secrets == 1 and found.completed == ("training row 2: e-mail address",)
    prompt, most = subject.asked[0]
    assert prompt.endswith("Write to") and most >= len("jane.doe@corp-mail.com")


def test_what_the_base_completes_too_was_not_learned_here():
    same = "jane.doe@corp-mail.com"
    assert memorized(Parrot(same, same), [], [], TRAIN).completed == ()
    assert memorized(Parrot("", "jane.doe@other.com"), [], [], TRAIN).completed == ()


def test_longer_answers_given_word_for_word_are_counted_on_training_rows_and_on_new_ones():
    trained = [row(0, expected=LONG, base="No.", tuned=LONG), row(1, expected=LONG, base=LONG, tuned=f" {LONG}\n")]
    short = row(2, expected="Yes.", base="Yes.", tuned="Yes.")
    found = memorized(None, [*trained, short], [row(0, expected=LONG, tuned="No."), short], [])
    assert (found.rows, found.verbatim, found.base_verbatim, found.secrets) == (2, 2, 1, 0)
    assert (found.fresh, found.fresh_verbatim) == (1, 0)
