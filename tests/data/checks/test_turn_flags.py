from tests.rows import finding


def rows(**flags):
    asked, answer = {"role": "user", "content": "Why?"}, {"role": "assistant", "content": "Because.", **flags}
    return [{"messages": [asked, answer]}] * 3


def test_a_weight_between_0_and_1_is_told():
    found = finding(rows(weight=0.5), "turn-weights")
    assert found.severity == "warning" and "weight 0.5" in found.message
    assert finding(rows(weight=1), "turn-weights") is None
    assert finding(rows(loss=True, train=1), "turn-weights") is None


def test_a_flag_without_a_known_meaning_is_told():
    found = finding(rows(approved=False), "turn-flags")
    assert found.severity == "warning" and '"approved"' in found.message
    assert finding(rows(approved="yes"), "turn-flags") is None
    assert finding([{"messages": [{"role": "user", "content": "Why?", "new": True}, *rows()[0]["messages"][1:]]}] * 3,
                   "turn-flags") is None  # fmt: skip


def test_a_number_is_told_unless_it_describes_the_turn():
    found = finding(rows(quality=3), "turn-numbers")
    assert found.severity == "info" and '"quality"' in found.message
    assert finding(rows(id=3, created_at=17, tokens=4, prompt_tokens=3), "turn-numbers") is None
    many = {f"q{number}": number for number in range(9)}
    assert finding(rows(**many), "turn-numbers").message.count('"') == 6


def test_rows_without_turns_have_no_flags():
    assert finding([{"prompt": "Why?", "completion": "Because.", "approved": False}] * 3, "turn-flags") is None
