from finetune.inference.preferences import prefer

ASKED = [[{"role": "user", "content": text}] for text in "abc"]


class Writer:
    def answers(self, asked, count, *_):
        assert count == 2
        return [["Yes.", "Perhaps so."], ["No.", "No. "], ["One.", "Two."]]


class Judging:
    def prefers(self, pairs):
        return [0 if "Yes." in pair else None for pair in pairs]


def test_a_pair_is_two_different_answers_of_which_one_is_preferred():
    found = prefer(ASKED, Writer(), Judging(), 20)
    assert found.rows == (
        {
            "prompt": ASKED[0],
            "chosen": [{"role": "assistant", "content": "Yes."}],
            "rejected": [{"role": "assistant", "content": "Perhaps so."}],
        },
    )
    assert (found.alike, found.undecided) == (1, 1)
    assert found.sentence.startswith("1 pair of answers. Left out: 1 prompt with two equal answers, and 1 where")
