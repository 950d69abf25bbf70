"""Chat templates of others: rendered as Transformers renders them, and ended when they take too much."""

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from jinja2 import TemplateError
from jinja2.exceptions import SecurityError

from finetune.data.tokens import CHATML, with_chatml
from finetune.errors import ModelError
from finetune.machine import rendering
from finetune.models.locate import STARTER
from finetune.models.tokenizer import read_tokenizer

CHAT = [{"role": "user", "content": "Hi \ud800 ☃"}, {"role": "assistant", "content": "Ho\n\x1b"}]
LOOP = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
ENDLESS = {
    "nested loops": LOOP,
    "a loop with a filter": "{% for a in range(99999) %}{% for b in range(99999) if false %}{% endfor %}{% endfor %}",
    "only in long conversations": "{% if messages | length > 1 %}" + LOOP + "{% endif %}",
    "only at a certain word": "{% if '☃' in messages[0].content %}" + LOOP + "{% endif %}",
    "a macro that calls itself twice": "{% macro f(n) %}{{ f(n + 1) if n < 40 }}{{ f(n + 1) if n < 40 }}{% endmacro %}"
    "{{ f(0) }}",
    "a recursive loop": "{% for a in [[1] * 99] * 99 recursive %}{% for c in range(99999) %}{{ c }}{% endfor %}"
    "{{ loop([a, a]) if loop.depth < 30 }}{% endfor %}",
    "a huge power": "{{ (9 ** (9 ** 9)) % 10 }}",
    "when it is compiled": "{{ 7 ** 99999999 }}",
    "a slow filter": "{{ (range(99999) | list | join(' ') | wordwrap(1)) | length }}" * 50,
    "sorted again and again": "{% for a in range(9999) %}{{ range(99999) | sort(reverse=true) | length }}{% endfor %}",
}
LARGE = {
    "a doubled string": "{% set n = namespace(x='aa') %}{% for a in range(99) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
    "a doubled list": "{% set n = namespace(x=[1]) %}{% for a in range(99) %}{% set n.x = n.x + n.x %}{% endfor %}",
    "a multiplied string": "{{ 'a' * 10 ** 10 }}",
    "a replaced string": "{{ ('a' * 99999) | replace('a', 'b' * 99999) }}",
    "a padded string": "{{ 'a'.ljust(10 ** 10) }}",
    "a formatted number": "{{ '%09999999999d' % 1 }}",
    "an indent": "{{ {'a': 1} | tojson(indent=10 ** 10) }}",
    "a large answer": "{{ 'a' * 10 ** 8 }}",
}


@pytest.fixture(scope="module")
def tokenizer():
    return read_tokenizer(STARTER, "starter")


@pytest.fixture
def by(tokenizer):
    """The text of ``CHAT`` by a template."""

    def rendered(template, **options):
        tokenizer.chat_template = template
        return tokenizer.apply_chat_template(CHAT, tokenize=False, **options)

    own = tokenizer.chat_template
    yield rendered
    tokenizer.chat_template = own


@pytest.mark.threat("T26")
@pytest.mark.parametrize("template", ENDLESS.values(), ids=ENDLESS)
def test_a_template_that_does_not_end_is_ended(by, template):
    before = time.process_time()
    with pytest.raises(ModelError, match="more than (2 seconds|512 MB) for one conversation"):
        by(template)
    assert time.process_time() - before < 1, "the time was not spent here"
    started = time.monotonic()
    with pytest.raises(ModelError):
        by(template)
    assert time.monotonic() - started < 1, "it is not tried again for each row"


@pytest.mark.threat("T26")
@pytest.mark.parametrize("template", LARGE.values(), ids=LARGE)
def test_a_template_that_fills_the_memory_is_ended(by, template):
    import psutil

    before = psutil.Process().memory_info().rss
    with pytest.raises((ModelError, TemplateError)):
        by(template)
    assert psutil.Process().memory_info().rss - before < 200 * 2**20


@pytest.mark.threat("T26")
def test_a_template_of_absurd_length_is_refused_unread(by):
    with pytest.raises(ModelError, match="longer than 100,000 characters"):
        by("{{ messages }}" + " " * rendering.LONGEST)


@pytest.mark.threat("T26")
@pytest.mark.parametrize(
    "template", ["{{ " + "(" * 20_000, "{{ " + "[" * 9000 + "]" * 9000 + " }}", "{% if %}", "{{ 1 / 0 }}"]
)
def test_a_template_that_cannot_be_read_or_rendered_is_an_error_of_the_template(by, template):
    with pytest.raises((TemplateError, ModelError)):
        by(template)


@pytest.mark.threat("T25")
@pytest.mark.parametrize(
    "payload",
    [
        "''.__class__.__mro__[1].__subclasses__()",
        "cycler.__init__.__globals__.os.popen('id').read()",
        "self.__init__.__globals__",
        "lipsum.__globals__['os'].system('id')",
        "namespace.__init__.__globals__",
        "messages.__class__.__base__.__subclasses__()",
        "raise_exception.__globals__",
        "strftime_now.__closure__",
        "(messages | attr('__class__')).__mro__",
        "messages.append(1)",
        "'{0.__class__.__mro__}'.format(1)",
        "dict.__init__.__globals__",
        "loop.__init__.__globals__",
        "joiner.__init__.__globals__['os']",
    ],
)
def test_code_in_a_template_reaches_nothing(by, payload, tmp_path):
    try:
        said = by("{{ " + payload + " }}")
    except (SecurityError, TemplateError):
        return
    assert not {"<class", "module", "uid=", "<function"} & set(said.split()) and "<class" not in said


@pytest.mark.threat("T25", "T33")
def test_the_process_that_renders_has_no_secret(by, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    by("{{ messages }}!")
    environments = [Path(f"/proc/{child.pid}/environ").read_bytes() for child in _children()]
    assert environments and all(b"hf_secret" not in each for each in environments)


def _children():
    return [child._process for child in rendering._idle]


@pytest.mark.parametrize("options", [{}, {"add_generation_prompt": True}, {"tools": [{"type": "function"}]}])
def test_it_is_the_text_that_transformers_gives(tokenizer, by, options):
    own = tokenizer.chat_template
    assert rendering.is_known(own) and not rendering.is_known(own + "{# of others #}")
    expected = by(own, **options)
    assert by(own + "{# of others #}", **options) == expected != ""


def test_the_answers_are_marked_as_transformers_marks_them(tokenizer):
    own, options = tokenizer.chat_template, {"return_assistant_tokens_mask": True, "return_dict": True}
    chat = [{"role": role, "content": "one two"} for role in ("user", "assistant") * 3]
    expected = dict(tokenizer.apply_chat_template(chat, **options))
    assert sum(expected["assistant_masks"]) > 3
    other = own + "{# others #}"
    assert dict(tokenizer.apply_chat_template(chat, chat_template=other, **options)) == expected
    with ThreadPoolExecutor(4) as pool:
        many = pool.map(lambda _: tokenizer.apply_chat_template(chat, chat_template=other, **options), range(40))
        assert all(dict(each) == expected for each in many)


def test_what_a_template_raises_arrives_as_the_same_error(by):
    with pytest.raises(TemplateError, match="Roles must alternate"):
        by("{{ raise_exception('Roles must alternate') }}")
    with pytest.raises(TypeError):
        by("{{ 1 + 'a' }}")


def test_templates_of_published_models_are_known_and_pass_apart_too(tokenizer, by, monkeypatch):
    known = sorted(rendering._shipped())
    assert len(known) > 50
    chat = [{"role": role, "content": "one two " * 5} for role in ("user", "assistant") * 20]

    def outcome(template):
        try:
            return tokenizer.apply_chat_template(chat, tokenize=False, chat_template=template)
        except (TemplateError, TypeError, ValueError) as error:
            return type(error)

    here = [outcome(template) for template in known]
    monkeypatch.setattr(rendering, "is_known", lambda template: False)
    apart = [outcome(template) for template in known]
    same = [one == other or isinstance(one, type) and isinstance(other, type) for one, other in zip(here, apart)]
    assert all(same) and sum(isinstance(each, str) for each in apart) > 30


def test_the_program_s_own_templates_take_no_other_process(tokenizer):
    for child in _children():
        child.kill()
    rendering._idle.clear()
    with_chatml(tokenizer).apply_chat_template(CHAT, tokenize=False)
    tokenizer.apply_chat_template(CHAT, tokenize=False)
    assert rendering.is_known(CHATML) and not rendering._idle


def test_a_process_that_was_killed_meanwhile_is_replaced(by):
    expected = by("{{ messages[0].role }}!")
    for child in _children():
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    assert by("{{ messages[0].role }}!") == expected


def test_a_template_is_tried_again_after_some_minutes(by, monkeypatch):
    with pytest.raises(ModelError):
        by("{{ 'b' * 10 ** 10 }}")
    tried = []
    monkeypatch.setattr(rendering, "_asked", lambda *given: tried.append(given) or (["text", "", []], ""))
    with pytest.raises(ModelError):
        by("{{ 'b' * 10 ** 10 }}")
    monkeypatch.setattr(rendering, "REFUSED_S", 0.0)
    assert by("{{ 'b' * 10 ** 10 }}") == "" and len(tried) == 1


def test_few_processes_are_kept(by):
    threads = [threading.Thread(target=by, args=("{{ messages[0].role }}",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(rendering._idle) <= rendering.KEPT
