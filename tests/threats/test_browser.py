"""The page in a real browser: whatever stands in data, names and answers is text, and the policy forbids the rest."""

import json

import pytest

from finetune.runs.links import link
from finetune.runs.workspace import Workspace
from tests.browser import Visit, app
from tests.flow.path import click_through, places

MARK = "xss7f3a"
PAYLOADS = [
    f"<script>window.{MARK}=1</script>",
    f"<img src=x onerror=window.{MARK}=1>",
    f"<svg onload=window.{MARK}=1>",
    f"<svg><script>window.{MARK}=1</script></svg>",
    f"<iframe srcdoc='<script>parent.{MARK}=1</script>'></iframe>",
    f"<iframe src=javascript:parent.{MARK}=1></iframe>",
    f"<body onload=window.{MARK}=1>",
    f"<input autofocus onfocus=window.{MARK}=1>",
    f"<details open ontoggle=window.{MARK}=1>x</details>",
    f"<video><source onerror=window.{MARK}=1></video>",
    f"<a href='javascript:window.{MARK}=1'>{MARK}</a>",
    f"<math><mtext></table><img src=x onerror=window.{MARK}=1>",
    f"<style>@import 'http://evil.example/{MARK}';</style>",
    f"<link rel=stylesheet href=http://evil.example/{MARK}.css>",
    f"<img src=http://evil.example/{MARK}.png>",
    f"<object data=http://evil.example/{MARK}></object>",
    f"<embed src=http://evil.example/{MARK}>",
    f"<base href=http://evil.example/{MARK}/>",
    f"<meta http-equiv=refresh content='0;url=http://evil.example/{MARK}'>",
    f"<form action=http://evil.example/{MARK}><button>x</button></form>",
    f"<marquee onstart=window.{MARK}=1>x</marquee>",
    f"<x onclick=window.{MARK}=1 tabindex=1 id=x autofocus>",
    f"<template><img src=x onerror=window.{MARK}=1></template>",
    f"<noscript><p title='</noscript><img src=x onerror=window.{MARK}=1>'>",
    f"<select><style><!--</style><a rel='--></style></select><img src=x onerror=window.{MARK}=1>'>",
    f"</textarea><script>window.{MARK}=1</script>",
    f"</title><script>window.{MARK}=1</script>",
    f"</style><script>window.{MARK}=1</script>",
    f"</script><script>window.{MARK}=1</script>",
    f"'><img src=x onerror=window.{MARK}=1>",
    f'"><img src=x onerror=window.{MARK}=1>',
    f"' onmouseover='window.{MARK}=1",
    f'" autofocus onfocus="window.{MARK}=1',
    f"`-window.{MARK}-`",
    f"${{window.{MARK}=1}}",
    f"{{{{constructor.constructor('window.{MARK}=1')()}}}}",
    f"<%= window.{MARK}=1 %>",
    f"[click](javascript:window.{MARK}=1)",
    f"[click](data:text/html,<script>window.{MARK}=1</script>)",
    f"![picture](http://evil.example/{MARK}.png)",
    f'![picture](x"onerror="window.{MARK}=1)',
    f"[a]: http://evil.example/{MARK} 'x'",
    f"<http://evil.example/{MARK}>",
    f"http://evil.example/{MARK}",
    f"```html\n<img src=x onerror=window.{MARK}=1>\n```",
    f"$$\\href{{javascript:window.{MARK}=1}}{{x}}$$",
    f"$\\includegraphics{{http://evil.example/{MARK}.png}}$",
    f"&lt;img src=x onerror=window.{MARK}=1&gt;",
    f"&#60;img src=x onerror=window.{MARK}=1&#62;",
    f"\\u003cimg src=x onerror=window.{MARK}=1\\u003e",
    f"%3Cimg%20src=x%20onerror=window.{MARK}=1%3E",
    f"＜img src=x onerror=window.{MARK}=1＞",
    f"<\u200bscript>window.{MARK}=1</script>",
    f"<scr<script>ipt>window.{MARK}=1</scr</script>ipt>",
    f"<IMG SRC=x ONERROR=window.{MARK}=1>",
    f"<img/src=x/onerror=window.{MARK}=1>",
    f"<img src=x\tonerror=window.{MARK}=1>",
    f"<!--><img src=x onerror=window.{MARK}=1>-->",
    f"<![CDATA[<img src=x onerror=window.{MARK}=1>]]>",
    f"<?xml version='1.0'?><img src=x onerror=window.{MARK}=1>",
    f"<svg><animate onbegin=window.{MARK}=1 attributeName=x dur=1s>",
    f"<svg><a xlink:href='javascript:window.{MARK}=1'><text x=20 y=20>x</text></a></svg>",
    f"<div style='background:url(http://evil.example/{MARK}.png)'>x</div>",
    f"<button popovertarget=x>x</button><xss id=x popover onbeforetoggle=window.{MARK}=1>x</xss>",
]
RECORD = """
window.broken = [];
document.addEventListener('securitypolicyviolation', event => window.broken.push(
  `${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`));
"""
MADE = """
[...document.querySelectorAll('*')].filter(element => [...element.attributes].some(
  each => each.name.startsWith('on') || (/^(href|src|action|data|content)$/.test(each.name)
    && /^javascript:|evil\\.example/i.test(each.value))
)).map(element => element.outerHTML.slice(0, 200))
"""
"""The elements of the page that would run something, or fetch something from elsewhere."""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("browser")


@pytest.fixture(scope="module")
def address(home):
    with app(home) as address:
        yield address


@pytest.fixture
def visit(browser, address):
    """A visit that notes what its policy forbids and what opens a dialog."""
    made = Visit(browser, address)
    made.dialogs = []
    made.page.on("dialog", lambda dialog: (made.dialogs.append(dialog.message), dialog.dismiss()))
    made.context.add_init_script(RECORD)
    yield made
    made.close()


def assert_nothing_ran(visit) -> None:
    assert visit.page.evaluate(f"window.{MARK}") is None and visit.dialogs == []
    assert visit.page.evaluate(MADE) == [] and visit.elsewhere == []


@pytest.mark.heavy  # tests/flow/ goes through the page under the same policy
@pytest.mark.threat("T14", "T42")
@pytest.mark.timeout(600)
def test_the_whole_page_works_under_its_policy(visit, browser, home, address):
    click_through(visit, browser, steps=4)
    for _ in places(visit):
        visit.page.wait_for_timeout(300)
    visit.page.keyboard.press("Tab")
    run = Workspace(home).runs()[0]
    for path in (f"/vote?key={link(run, 'vote')}", f"/report/{link(run, 'report')}", "/?__theme=dark&tab=train"):
        visit.page.goto(f"{address}{path}")
        visit.page.wait_for_timeout(1500)
        assert visit.page.evaluate("window.broken") == []
        assert visit.page.inner_text("body").strip()
    # A page that is left aborts what it had asked for.
    errors = [each for each in visit.errors if "AbortError" not in each and "errored out" not in each]
    assert errors == [] and visit.elsewhere == []


@pytest.mark.threat("T14", "S21")
def test_a_script_that_got_into_the_page_would_not_run(visit):
    page = visit.open()
    page.evaluate(
        """payloads => { for (const each of payloads) {
          const place = document.createElement('div'); place.innerHTML = each; document.body.append(place);
        } }""",
        [each for each in PAYLOADS if "refresh" not in each],
    )
    page.evaluate(
        f"const s = document.createElement('script'); s.textContent = 'window.{MARK}=1'; document.body.append(s)"
    )
    page.wait_for_timeout(1500)
    assert page.evaluate(f"window.{MARK}") is None and visit.dialogs == []
    assert len(page.evaluate("window.broken")) > 10
    assert page.url.startswith(visit.address)


FILES = {
    f"<img src=x onerror=window.{MARK}=1>.jsonl": "\n".join(
        json.dumps({"prompt": each, "completion": f"{each} {n}", each: each}) for n, each in enumerate(PAYLOADS)
    ),
    f"'><svg onload=window.{MARK}=1>.csv": (
        f'<img src=x onerror=window.{MARK}=1>,"\'><script>window.{MARK}=1</script>"\n' + "a,b\n" * 9
    ),
    f"<b onclick=window.{MARK}=1>.json": f'[{{"<img src=x onerror=window.{MARK}=1>": ',
}


@pytest.mark.threat("T14", "S21", "T12")
@pytest.mark.parametrize("name", FILES)
def test_what_stands_in_data_and_in_names_is_text(visit, tmp_path, name):
    path = tmp_path / name
    path.write_text(FILES[name])
    page = visit.open()
    page.set_input_files("#file input[type=file]", path)
    page.wait_for_function("name => document.querySelector('#result')?.innerText.trim().length > 20", arg=MARK)
    page.wait_for_timeout(2000)
    assert_nothing_ran(visit)
    for _ in range(12 if page.locator("#after:visible").count() else 0):
        page.click("#after")
        page.wait_for_timeout(150)
    assert_nothing_ran(visit)


@pytest.mark.threat("T14", "S21")
@pytest.mark.timeout(600)
def test_what_stands_in_runs_and_answers_is_text(visit, home):
    from finetune.recipe import Recipe
    from finetune.runs import events

    workspace, run = Workspace(home), None
    for name in (PAYLOADS[1][:80], PAYLOADS[30][:80], PAYLOADS[2][:80]):
        evaluation = {"prompts": PAYLOADS[:8]}
        given = {
            "name": name,
            "data": {"path": "a.jsonl"},
            "model": {"id": f"a{PAYLOADS[1]}"},
            "evaluation": evaluation,
        }
        run = workspace.create(Recipe.from_dict(given))
        run.emit(events.Started(device=PAYLOADS[1], versions={PAYLOADS[2]: PAYLOADS[3]}))
        run.emit(events.Entered(phase="training"))
        run.emit(
            events.Planned(total_steps=4, train_rows=9, held_out_rows=3, trained_tokens=9, parameters=9, trainable=1)
        )
        for step in range(5):
            metrics = {PAYLOADS[1]: 0.5, "margin": 0.1}
            run.emit(events.Stepped(step=step, epoch=0, loss=3 - step / 5, learning_rate=0.1, metrics=metrics))
            run.emit(events.Evaluated(step=step, loss=3 - step / 5, metrics=metrics))
            answers = tuple(events.Answer(prompt=each, base=each, tuned=f"{each}!") for each in PAYLOADS)
            run.emit(events.Sampled(step=step, answers=answers))
        run.emit(events.Noted(message=" ".join(PAYLOADS), level="warning"))
        run.emit(events.Chose(what="precision", value=PAYLOADS[1], reason=PAYLOADS[2]))
        run.emit(events.Ended(state="failed", code="bug", message=PAYLOADS[1], hint=PAYLOADS[2]))
    page = visit.open("train")
    page.wait_for_selector("#run-head .run-head")
    for fold in page.locator(":is(#curves, #log, #compare-runs, #details) > button:visible").all():
        fold.click()
    page.wait_for_timeout(2500)
    assert MARK in page.inner_text("#tab-train")
    for point in page.locator("#charts svg").all()[:3]:
        point.hover()
    assert_nothing_ran(visit)
    for _ in places(visit):
        page.wait_for_timeout(300)
        assert_nothing_ran(visit)
    page.goto(f"{visit.address}/report/{link(run, 'report')}")
    assert_nothing_ran(visit)
