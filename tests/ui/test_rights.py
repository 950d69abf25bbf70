"""What a visitor may see and do, by every way in which a handler may ask."""

import pytest

from finetune.door.visitor import Visitor
from finetune.errors import FinetuneError, RightsError, RunError
from finetune.exports import TARGETS
from finetune.recipe import Recipe
from finetune.runs import kept
from finetune.service.limits import Limits
from finetune.ui import visitor
from finetune.ui.studio import Studio
from finetune.ui.train import actions, handover

OWNERS = frozenset({"olga"})
ADA, BEN = (Visitor(name, name, "member", OWNERS) for name in ("ada", "ben"))
OLGA, WANDA = Visitor("olga", "olga", "owner", OWNERS), Visitor("wanda", "wanda", "watcher", OWNERS)
GUEST, LOCAL = Visitor("guest", None, "guest"), Visitor("127.0.0.1")


@pytest.fixture
def studio(workspace):
    studio = Studio(workspace, must_sign_in=True)
    studio.queue.close(0)
    return studio


@pytest.fixture
def as_(monkeypatch):
    """``as_(visitor)``: from now on the events are those of this visitor."""
    return lambda who: monkeypatch.setattr(visitor, "current", lambda: who)


@pytest.fixture
def upload(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("question,answer\n" + "What is it?,It is.\n" * 12)
    return path


@pytest.mark.threat("S19")
@pytest.mark.parametrize(
    ("who", "sees"),
    [
        (ADA, {"ada"}),
        (BEN, {"ben"}),
        (OLGA, {"ada", "ben", "olga", None}),
        (WANDA, {"olga", None}),
        (GUEST, set()),
        (None, set()),
    ],
)
def test_each_sees_what_is_theirs(studio, as_, write_run, who, sees):
    ids = {owner: write_run(owner=owner).id for owner in ("ada", "ben", "olga", None)}
    as_(who)
    assert {run.owner for run in studio.workspace.runs()} == sees
    assert {run.owner for run, _ in studio.views()} == sees
    for owner, run_id in ids.items():
        assert (studio.find_run(run_id) is not None) == (owner in sees)
        if owner not in sees:
            with pytest.raises(RunError, match="There is no run"):
                studio.workspace.run(run_id)
            with pytest.raises(RunError, match="There is no run"):
                studio.workspace.run(str(int(run_id[:3])))


@pytest.mark.threat("S19", "T35")
@pytest.mark.parametrize("what", ["stop", "pause", "resume", "delete", "dismiss", "restart"])
@pytest.mark.parametrize("who", [BEN, WANDA, GUEST, None])
def test_nobody_changes_what_is_anothers(studio, as_, write_run, what, who):
    hers, olgas = write_run(owner="ada", state="interrupted"), write_run(owner="olga", state="interrupted")
    before = {run.id: sorted(path.name for path in run.path.rglob("*")) for run in (hers, olgas)}
    as_(who)
    for run in (hers, olgas):
        with pytest.raises(FinetuneError, match="There is no run|not yours to change"):
            actions.COMMANDS.get(what, actions.pause)(studio, run.id)
        with pytest.raises(FinetuneError, match="There is no run|not yours to change"):
            studio.queue.delete(run.id)
    assert {run.id: sorted(path.name for path in run.path.rglob("*")) for run in (hers, olgas)} == before


@pytest.mark.threat("S19")
@pytest.mark.parametrize("target", TARGETS)
def test_nobody_takes_away_the_model_of_another(studio, as_, write_run, target):
    hers, olgas = write_run(owner="ada"), write_run(owner="olga")
    as_(WANDA)
    assert studio.find_run(olgas.id)
    for run in (hers, olgas):
        with pytest.raises(FinetuneError, match="There is no run|not yours to change"):
            actions.download(studio, run.id)
        for said, _ in (
            handover.ask(studio, handover.Form(), run.id, target),
            handover.fetch(studio, run.id, f"download:{target}"),
        ):
            assert "There is no run" in said or "not yours to change" in said
        assert not (run.path / "exports").exists()


@pytest.mark.threat("S19", "S8")
def test_nothing_leaves_with_the_account_of_the_machine_but_for_its_owner(studio, as_):
    for who in (ADA, WANDA, GUEST, None):
        as_(who)
        with pytest.raises(RightsError, match="Sign in|yours is not known"):
            studio.rights.require_own_account(None)
        studio.rights.require_own_account("of their own")
    as_(OLGA)
    studio.rights.require_own_account(None)


@pytest.mark.threat("S19")
def test_an_upload_is_read_by_who_brought_it_and_the_owners(studio, as_, upload):
    as_(ADA)
    hers = studio.data.add_upload(upload, "rows.csv").path
    assert studio.workspace.find(hers).is_file()
    as_(OLGA)
    assert studio.workspace.find(hers).is_file()
    for who in (BEN, WANDA, GUEST, None):
        as_(who)
        for path in (
            hers,
            str(studio.everything.path / hers),
            f"./{hers}",
            hers.replace("uploads/", "uploads/../uploads/"),
        ):
            with pytest.raises(RunError, match="There is no data file"):
                studio.workspace.find(path)
            with pytest.raises(RunError, match="There is no data file"):
                studio.workspace.find(path, trusted=True, owner="ada")  # what a caller says does not count
        assert studio.workspace.find("assets/samples/pirate-voice.jsonl").is_file()
    as_(BEN)
    assert studio.data.add_upload(upload, "rows.csv").path == hers and studio.workspace.find(hers)


@pytest.mark.threat("S19", "T35")
@pytest.mark.parametrize("who", [WANDA, GUEST, None])
def test_who_may_not_train_brings_and_starts_nothing(studio, as_, upload, who, with_tiny):
    from finetune.recipe import Recipe

    recipe = Recipe.from_dict({"model": {"id": "tiny"}, "data": {"path": "assets/samples/pirate-voice.jsonl"}})
    as_(who)
    for attempt in (
        lambda: studio.data.add_upload(upload, "rows.csv"),
        lambda: studio.data.add_text("a\n1\n", ".csv"),
        lambda: studio.start(recipe),
        lambda: studio.queue.submit(recipe, trusted=True, owner="olga"),
        lambda: studio.queue.require_runnable(recipe),
        lambda: studio.workspace.create(recipe, "olga"),
    ):
        with pytest.raises(RightsError, match="You may watch and ask here, but not train"):
            attempt()
    assert not studio.everything.runs() and not [
        path for path in studio.everything.uploads_dir.rglob("*") if path.is_file()
    ]


@pytest.mark.threat("S19")
def test_a_run_belongs_to_who_started_it(studio, as_, with_tiny):
    from finetune.recipe import Recipe

    recipe = Recipe.from_dict({"model": {"id": "tiny"}, "data": {"path": "assets/samples/pirate-voice.jsonl"}})
    for who in (ADA, BEN):
        as_(who)
        assert studio.start(recipe).owner == who.name
    assert len(studio.everything.runs()) == 2  # the same recipe twice is no double click of two people


@pytest.mark.threat("S19")
def test_a_recipe_does_not_begin_with_the_model_of_another(studio, as_, write_run, with_tiny):
    from finetune.errors import RecipeError
    from finetune.recipe import Recipe

    hers = write_run(owner="ada")
    given = {"model": {"id": "tiny", "run": hers.id}, "data": {"path": "assets/samples/pirate-voice.jsonl"}}
    as_(BEN)
    with pytest.raises(RecipeError, match="There is no run"):
        studio.start(Recipe.from_dict(given))


@pytest.mark.threat("T4", "T33")
@pytest.mark.parametrize(
    ("who", "options", "sends"),
    [
        (OLGA, {"must_sign_in": True}, True),
        (ADA, {"must_sign_in": True}, False),
        (LOCAL, {}, True),
        (LOCAL, {"owners_alone": False}, False),
    ],
)
def test_the_server_sends_nothing_to_an_address_that_a_visitor_names(workspace, as_, with_tiny, who, options, sends):
    from finetune.recipe import Recipe

    studio = Studio(workspace, **options)
    studio.queue.close(0)
    as_(who)
    judge = {"type": "judge", "model": "x", "endpoint": "http://169.254.169.254/v1"}
    given = {"model": {"id": "tiny"}, "data": {"path": "assets/samples/sums.jsonl"}}
    recipe = Recipe.from_dict({**given, "method": {"type": "grpo", "rewards": [judge]}})
    if sends:
        studio.rights.require_sending(recipe.method.wants().values())
        return
    for attempt in (lambda: studio.start(recipe), lambda: studio.queue.require_runnable(recipe)):
        with pytest.raises(RightsError, match="asked for owners alone"):
            attempt()


@pytest.mark.threat("S19")
@pytest.mark.parametrize(("who", "may"), [(OLGA, True), (ADA, False)])
def test_a_tracker_with_an_account_of_this_machine_is_for_owners_alone(studio, as_, who, may):
    as_(who)
    studio.rights.require_trackers(("tensorboard",))
    if may:
        studio.rights.require_trackers(("tensorboard", "wandb", "mlflow", "trackio"))
        return
    given = {"data": {"path": "assets/samples/sums.jsonl"}, "training": {"report_to": ["wandb"]}}
    with pytest.raises(RightsError, match="owners alone"):
        studio.start(Recipe.from_dict(given))


@pytest.mark.threat("S19")
def test_rows_made_of_answers_are_everyones_own(studio, as_):
    asked = [{"role": "user", "content": "What is your name?"}]
    for who, answer in ((ADA, "Ada."), (BEN, "Ben."), (BEN, "Benjamin.")):
        as_(who)
        kept.keep(studio.workspace, asked, answer)
    counts = []
    for who in (ADA, BEN, OLGA):
        as_(who)
        counts.append(kept.count(studio.workspace, kept.ANSWERS))
    assert counts == [1, 2, 0]


@pytest.mark.threat("S19")
def test_a_run_passes_those_of_others_only_for_an_owner(studio, as_, monkeypatch):
    from finetune.recipe import Recipe

    recipe = Recipe.from_dict({"data": {"path": "assets/samples/pirate-voice.jsonl"}})
    runs = [studio.everything.create(recipe, name) for name in ("ada", "ben", "ben")]
    monkeypatch.setattr(studio.queue, "_queued", list(runs))
    as_(BEN)
    studio.queue.move(runs[2].id, -1)
    assert [run.id for run in studio.queue.waiting()] == [runs[0].id, runs[2].id, runs[1].id]
    with pytest.raises(RightsError, match="Only an owner"):
        studio.queue.move(runs[2].id, -1)
    as_(OLGA)
    studio.queue.move(runs[2].id, -1)
    assert studio.queue.waiting()[0].id == runs[2].id


def test_where_nobody_signs_in_everything_is_everyones(workspace, write_run):
    studio = Studio(workspace)
    studio.queue.close(0)
    run = write_run(owner="ada")
    assert studio.find_run(run.id) and studio.rights.require_change(run)


@pytest.mark.threat("T41", "S4")
def test_each_person_has_so_many_runs_waiting_and_no_more(studio, as_, monkeypatch):
    monkeypatch.setattr(studio.queue, "limits", Limits(each=1, in_all=3))
    wanted = {"model": {"id": "starter"}, "data": {"path": "assets/samples/pirate-voice.jsonl"}}
    for who in (ADA, BEN):
        as_(who)
        studio.start(Recipe.from_dict(wanted))
        with pytest.raises(RunError, match="1 run of yours waits already; at most 1 may"):
            studio.start(Recipe.from_dict({**wanted, "name": "more"}))
