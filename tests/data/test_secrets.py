import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.data.secrets import KINDS, find, hint, is_card, is_iban, mask

# Put together here, so that nobody's scanner takes this file for a leak.
KEYS = {
    "OpenAI key": "sk-" + "proj-" + "aB3dE5fG7hI9" * 3,
    "Anthropic key": "sk-" + "ant-api03-" + "aB3dE5fG7hI9" * 3,
    "Hugging Face token": "hf_" + "aBcDeFgHiJkLmNoPqRsTuVwXyZaBcDeFgH",
    "GitHub token": "gh" + "p_" + "aB3dE5fG7hI9" * 3,
    "AWS key": "AK" + "IA" + "IOSFODNN7EXAMPLE",
    "Google key": "AI" + "za" + "SyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q",
    "Slack token": "xo" + "xb-" + "123456789012-abcdefghij",
    "Stripe key": "sk" + "_live_" + "aB3dE5fG7hI9aB3dE5fG7hI9",
    "JSON web token": "ey" + "JhbGciOiJIUzI1NiJ9." + "ey" + "JzdWIiOiIxMjM0NTY3ODkwIn0.abcDEF123_-xyz",
    "private key": "-----BEGIN RSA PRIVATE " + "KEY-----\nMIIEow+/=\nabc\n-----END RSA PRIVATE " + "KEY-----",
}
OTHERS = [
    ("e-mail", "anna.berg+shop@mail.example.co.uk"),
    ("e-mail", "jörg@müller-söhne.de"),
    ("e-mail", "anna@xn--mnchen-3ya.xn--p1ai"),
    ("phone", "+44 20 7946 0958"),
    ("phone", "+49 (0)30 901820"),
    ("phone", "+44\u00a020\u202f7946\u20110958"),
    ("phone", "+14155550123"),
    ("phone", "(415) 555-0123"),
    ("phone", "415-555-0123"),
    ("card", "4111 1111 1111 1111"),
    ("card", "378282246310005"),
    ("card", "5555-5555-5555-4444"),
    ("iban", "DE89 3704 0044 0532 0130 00"),
    ("iban", "GB82WEST12345698765432"),
    ("iban", "DE89\u00a03704\u00a00044\u00a00532\u00a00130\u00a000"),
    ("iban", "QA58DOHB00001234567890ABCDEFG"),
    ("ssn", "123-45-6789"),
]
HARMLESS = [
    "Order F1716 of 2024-05-17, 12:30:45; total 1,234,567.89 or 1234567890123456.",
    "He sold 12 of 48 clips: 48/2 = <<48/2=24>>24, then 48+24 = <<48+24=72>>72, and 100000000 - 1.",
    "Version 10.15.7 build 19H2026, ISBN 978-3-16-148410-0, part 123-456-78.",
    "Write to @anna, or see a@b; sk-1 and hf_model are no keys, the risk-averse-and-careful-investor-waits.",
    "4111 1111 1111 1112 fails its check digit, and DE89 3704 0044 0532 0130 01 too.",
    "UUID 123e4567-e89b-12d3-a456-426614174000 and sha d41d8cd98f00b204e9800998ecf8427e.",
    '<a class="sk-toggleable__label-arrow sk-estimator-doc-link">, icon@2x.png, git clone git@github.com:one/two.git',
    "t[0]=t[0]+1295307597, the hash 3B9ADE89370400440532013000FF, and +1 2 3 4 5 6 7 of them.",
    "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20",
]


@pytest.mark.parametrize("name, key", KEYS.items(), ids=KEYS)
def test_keys_of_the_usual_services_are_found_and_masked(name, key):
    text = f"Use {key} for it."
    (match,) = find(text)
    assert (match.kind, match.name, text[match.start : match.end]) == ("key", name, key)
    assert mask(text) == "Use [key] for it."


@pytest.mark.parametrize("kind, value", OTHERS, ids=[value for _, value in OTHERS])
def test_personal_data_is_found_whole(kind, value):
    text = f"Here: {value}, thanks."
    (match,) = find(text)
    assert (match.kind, text[match.start : match.end]) == (kind, value)


@pytest.mark.parametrize("text", HARMLESS)
def test_numbers_and_words_that_only_look_like_it_are_left_alone(text):
    assert find(text) == []
    assert mask(text) is text


def test_an_iban_ends_where_its_country_says_even_before_capitals():
    assert mask("IBAN DE89 3704 0044 0532 0130 00 THANK YOU") == "IBAN [IBAN] THANK YOU"
    assert is_iban("FR1420041010050500013M02606") and not is_iban("FR1420041010050500013M02607")


@pytest.mark.parametrize(
    "text, masked",
    [
        ("IBANDE89370400440532013000.", "IBAN[IBAN]."),
        ("KontoDE89 3704 0044 0532 0130 00", "Konto[IBAN]"),
        (r"\nDE89370400440532013000", r"\n[IBAN]"),
        ("DE89 3704 0044 0532 0130 00 GB82 WEST 1234 5698 7654 32", "[IBAN] [IBAN]"),
        ("DE89370400440532013000 COBADEFFXXX DE89370400440532013000", "[IBAN] COBADEFFXXX [IBAN]"),
    ],
)
def test_an_iban_is_found_behind_a_word_and_behind_another(text, masked):
    assert mask(text) == masked


@pytest.mark.parametrize(
    "text, masked",
    [
        ("+1 415 555 0123 94105", "[phone] 94105"),
        ("+44 20 7946 0958 2024-05-17", "[phone] 2024-05-17"),
        ("+44 20 7946 0958 415-555-0123", "[phone] [phone]"),
        ("+44 20 7946 0958 4111 1111 1111 1111", "[phone] [card]"),
        ("+1234567890123456", "+1234567890123456"),
    ],
)
def test_a_phone_number_ends_before_what_would_make_it_too_long(text, masked):
    assert mask(text) == masked


@pytest.mark.parametrize(
    "text, masked",
    [
        (f"https://{KEYS['GitHub token']}@github.com/one/two", "https://[key]/one/two"),
        ("+1 4111 1111 1111 1111", "[card]"),
        ("415-555-0123@sms.example.net", "[e-mail]"),
    ],
)
def test_overlapping_matches_become_the_kind_with_precedence(text, masked):
    assert mask(text) == masked
    assert len(find(text)) == 1 and mask(text, (find(text)[0].kind,)) == masked


BEGIN, END = "-----BEGIN PRIVATE " + "KEY-----", "-----END PRIVATE " + "KEY-----"
LETTERS = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj"


@pytest.mark.parametrize(
    "text, masked",
    [
        (f'key = ("{BEGIN}\\n" +\n       "{LETTERS}\\n" +\n       "{END}")', 'key = ("[key]")'),
        (f"> {BEGIN}\n> {LETTERS}\n> {END}\n> Yours", "> [key]\n> Yours"),
        (f"{BEGIN}\n{LETTERS * 300}\n{END}.", "[key]."),
        (f"{BEGIN}\n{LETTERS}\n{LETTERS}\nand so on", "[key]\nand so on"),
        (f"It begins with {BEGIN} as always.", "It begins with [key] as always."),
        (
            f"-----BEGIN PGP PRIVATE {'KEY'} BLOCK-----\nVersion: GnuPG v2 (GNU/Linux)\n\n{LETTERS}\n"
            f"-----END PGP PRIVATE {'KEY'} BLOCK-----",
            "[key]",
        ),
    ],
)
def test_a_private_key_is_masked_to_its_end_however_it_is_written(text, masked):
    assert mask(text) == masked


@pytest.mark.parametrize(
    "text, masked",
    [
        ("4111 1111 1111 1111 12/27", "[card] 12/27"),
        ("4111-1111-1111-1111 123", "[card] 123"),
        ("4111111111111111 123", "[card] 123"),
        ("valid 12/27 4111 1111 1111 1111", "valid 12/27 [card]"),
        ("25 17 4111 1111 1111 1111, thanks", "25 17 [card], thanks"),
        ("1234 4111 1111 1111 1111", "1234 [card]"),
        ("3782 822463 10005 1234", "[card] 1234"),
        ("1234-4111-1111-1111-1111", "1234-4111-1111-1111-1111"),
        ("4111 1111 1111 1112 12", "4111 1111 1111 1112 12"),
    ],
)
def test_a_card_is_found_beside_other_numbers(text, masked):
    assert mask(text, ("card",)) == masked


def test_a_card_needs_its_form_and_its_check_digit():
    assert is_card("6011111111111117")
    assert not is_card("4111111111111112") and not is_card("9111111111111113")


def test_only_the_kinds_asked_for_are_masked():
    text = "a@example.com or 123-45-6789"
    assert mask(text, ("ssn",)) == "a@example.com or [SSN]"
    assert mask(text, KINDS) == "[e-mail] or [SSN]"


def test_a_hint_never_shows_the_whole():
    text = f"key: {KEYS['OpenAI key']}"
    assert hint(text, find(text)[0]) == "sk-p…"


@given(st.text(alphabet="sk-ant@.+0123456789 hf_AIzaDE\n()", max_size=200))
def test_masking_leaves_nothing_to_mask_and_touches_nothing_else(text):
    matches, masked = find(text), mask(text)
    assert all(one.end <= other.start for one, other in zip(matches, matches[1:]))
    kept = [text[one.end : other.start] for one, other in zip(matches, matches[1:])]
    assert all(part in masked for part in kept)
    assert (masked == text) == (not matches)


@pytest.mark.parametrize(
    "text",
    [
        "a" * 10**6 + "@",
        "1" * 10**6,
        "+1 " * 300_000,
        f"+{'1' * 28}x " * 30_000,
        "eyJ" + "-eyJ" * 75_000,
        "-sk" * 300_000,
        BEGIN * 30_000,
        f"{BEGIN}{'+ ' * 500}" * 900,
    ],
    ids=lambda text: text[:12],
)
def test_no_text_takes_long(text):
    started = time.perf_counter()
    find(text)
    assert time.perf_counter() - started < 5
