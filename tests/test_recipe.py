import json
import time

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from finetune.adapters import ADAPTERS
from finetune.adapters.lora import LoRA
from finetune.adapters.qlora import QLoRA
from finetune.errors import FinetuneError, RecipeError
from finetune.methods import METHODS
from finetune.methods.dpo import DPO
from finetune.methods.sft import SFT
from finetune.recipe import Recipe, nearest, read_yaml, refusal, set_path

MINIMAL = """
name: pirate voice
model: {id: starter}                  # starter, a folder in the workspace, or a hub id
data: {path: assets/samples/pirate-voice.jsonl}
method: {type: sft}                   # sft, dpo, …
adapter: {type: lora}                 # full, lora, qlora, …
"""


@pytest.fixture
def recipe():
    return Recipe.from_yaml(MINIMAL)


def refused(text: str) -> str:
    with pytest.raises(RecipeError) as caught:
        Recipe.from_yaml(text)
    return str(caught.value)


def test_a_recipe_needs_no_more_than_this(recipe):
    assert (recipe.name, recipe.model.id) == ("pirate voice", "starter")
    assert recipe.method == SFT() and recipe.adapter == LoRA()


def test_only_the_data_has_to_be_named():
    assert Recipe.from_yaml("data: {path: a.csv}").adapter == LoRA()
    assert "data: This setting is missing." in refused("name: x")


text = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30)
recipes = st.builds(
    lambda **parts: Recipe.from_dict(parts),
    name=text,
    data=st.fixed_dictionaries(
        {"path": text, "columns": st.dictionaries(text, text, max_size=2), "system": st.none() | text}
    ),
    method=st.sampled_from([{"type": "sft", "train_on": "all"}, {"type": "dpo", "beta": 0.3}, {"type": "sft"}]),
    adapter=st.sampled_from([{"type": "full"}, {"type": "lora", "rank": 4}, {"type": "qlora", "dropout": 0.1}]),
    training=st.fixed_dictionaries(
        {"learning_rate": st.none() | st.floats(1e-9, 1), "seed": st.integers(0, 2**31 - 1), "packing": st.booleans()}
    ),
    evaluation=st.fixed_dictionaries({"prompts": st.lists(text, max_size=3)}),
)


@settings(max_examples=50)
@given(recipes, st.booleans())
def test_a_recipe_survives_the_trip_through_yaml(recipe, full):
    assert Recipe.from_yaml(recipe.to_yaml(full)) == recipe


def test_the_short_form_holds_what_differs_and_no_more(recipe):
    changed = recipe.changed(**{"training.seed": 3, "adapter.rank": 4})
    assert changed.to_dict() == {
        "name": "pirate voice",
        "model": {"id": "starter"},
        "data": {"path": "assets/samples/pirate-voice.jsonl"},
        "method": {"type": "sft"},
        "adapter": {"type": "lora", "rank": 4},
        "training": {"seed": 3},
    }


@pytest.mark.parametrize(
    ("more", "where"),
    [
        ("colour: red", "colour"),
        ("training: {epoch: 3}", "training.epoch"),
        ("adapter: {type: lora, rnk: 3}", "adapter.rnk"),
        ("method: {type: sft, beta: 0.1}", "method.beta"),
    ],
)
def test_an_unknown_setting_is_refused_with_its_path(more, where):
    assert f"- {where}: There is no such setting." in refused(f"data: {{path: a.csv}}\n{more}")


@pytest.mark.parametrize(
    ("more", "where"),
    [
        ("training: {learning_rate: 0}", "training.learning_rate"),
        ("training: {max_steps: -1}", "training.max_steps"),
        ("adapter: {type: dora}", "adapter.type"),
        ("adapter: {type: int8}", "adapter.type"),
        ("method: {type: ppo}", "method.type"),
        ("adapter: {type: lora, lora_r: 8}", "adapter.lora_r"),
    ],
)
def test_what_other_programs_take_is_refused_by_name(more, where):
    assert f"{where}: " in refused(f"data: {{path: a.csv}}\n{more}")


def test_all_that_is_wrong_is_reported_at_once():
    message = refused("data: {path: a.csv}\ntraining: {length: 3, seed: -1}\nadapter: {rank: 4}\nmethod: {type: sfft}")
    assert message.startswith("4 settings need attention.")
    assert "training.length: " in message and "(got 3)" in message and "training.seed: " in message
    assert "adapter.type: This setting is missing." in message
    assert f"method.type: There is no 'sfft'. Choose one of: {', '.join(METHODS)}." in message


@pytest.mark.parametrize("text", ["", "7", "- a\n- b", "just words"])
def test_what_maps_no_settings_to_values_is_no_recipe(text):
    assert "A recipe is a mapping of settings" in refused(text)


def test_damaged_yaml_is_refused_with_its_line():
    assert "not valid YAML in line 3" in refused("name: x\ndata:\n\tpath: a.csv\n")


@pytest.mark.parametrize("text", ["\0", "{1: 2}", "[" * 5000, "!!python/object/apply:os.getcwd []"])
def test_hostile_text_is_refused_like_any_other(text):
    assert refused(text)


def test_a_small_file_with_endless_content_is_refused_at_once():
    layers = [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 30)]
    assert "stands for more than 200,000 values" in refused("\n".join(["l0: &l0 lol", *layers, "name: *l29"]))


def test_a_new_type_drops_the_settings_of_the_old_one(recipe):
    tuned = recipe.changed(**{"adapter.rank": 4, "method.train_on": "all"})
    assert tuned.changed(**{"adapter.type": "qlora"}).adapter == QLoRA()
    assert tuned.changed(**{"method.type": "dpo", "method.beta": 0.5}).method == DPO(beta=0.5)
    assert tuned.changed(**{"adapter.type": "lora"}).adapter.rank == 4


def test_a_change_leaves_the_recipe_itself_alone(recipe):
    assert recipe.changed(name="other").name == "other"
    assert recipe.name == "pirate voice"


@pytest.mark.parametrize(
    ("path", "value"), [("training.length", 3), ("training.nothing", 3), ("name.first", "x"), ("nothing.at.all", 1)]
)
def test_a_change_that_makes_no_recipe_is_refused(recipe, path, value):
    with pytest.raises(RecipeError):
        recipe.changed(**{path: value})


def test_a_recipe_is_loaded_from_a_file(tmp_path, recipe):
    path = tmp_path / "recipe.yaml"
    path.write_text(MINIMAL, encoding="utf-8")
    assert Recipe.load(path) == recipe


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    damaged = tmp_path / "damaged.yaml"
    damaged.write_bytes(b"name: \xff\xfe")
    for path in (tmp_path / "missing.yaml", tmp_path, damaged):
        with pytest.raises(RecipeError, match=path.name):
            Recipe.load(path)


def test_a_number_in_short_form_is_a_number():
    # YAML 1.1 reads 1e-4 as text, which is how most people write a learning rate.
    assert yaml.safe_load("1e-4") == "1e-4"
    assert Recipe.from_yaml("data: {path: a}\ntraining: {learning_rate: 1e-4}").training.learning_rate == 1e-4


def test_set_path_makes_the_groups_it_needs():
    values = {"a": 1}
    set_path(values, "b.c", 2)
    assert values == {"a": 1, "b": {"c": 2}}


def test_read_yaml_gives_the_value():
    assert read_yaml("[1, two]") == [1, "two"]


def test_the_changes_to_the_rows_survive_the_trip_through_yaml():
    fixes = [{"type": "drop", "rows": "3"}, {"type": "deduplicate"}]
    recipe = Recipe.from_dict({"data": {"path": "x.jsonl", "fixes": fixes}})
    assert Recipe.from_yaml(recipe.to_yaml()) == recipe and len(recipe.data.fixes) == 2


@pytest.mark.parametrize(
    "times, steps, after", [(5, 190, {38, 76, 114, 152, 190}), (5, 3, {1, 2, 3}), (1, 7, {7}), (0, 7, set())]
)
def test_evaluations_are_spread_over_the_run_and_the_last_is_at_its_end(recipe, times, steps, after):
    assert recipe.changed(**{"evaluation.times": times}).evaluation.evaluated_after(steps) == after


def test_a_pair_that_cannot_work_is_refused_with_the_nearest_that_can(monkeypatch):
    from finetune.methods.sft import SFT

    why = "A prefix cannot be trained so."
    monkeypatch.setattr(SFT, "refuses", lambda self, adapter: why if adapter.attaches_to == "prompt" else "")
    (problem,) = Recipe.from_dict({"data": {"path": "a.csv"}, "adapter": {"type": "prefix"}}).check()
    assert (problem.where, problem.message) == ("adapter", why)
    assert problem.hint == "The nearest that can: Supervised fine-tuning with LoRA."


def test_settings_of_the_method_that_do_not_go_together_are_found():
    method = {"type": "dpo", "label_smoothing": 0.1}
    (problem,) = Recipe.from_dict({"data": {"path": "a.csv"}, "method": method}).check()
    assert problem.where == "method.label_smoothing"


def test_all_that_does_not_go_together_is_found_at_once():
    training = {"batch_size": 6, "accumulation": 4, "activation_checkpointing": True}
    given = {"data": {"path": "a.csv"}, "method": {"type": "kto"}, "adapter": {"type": "prefix"}, "training": training}
    found = [problem.where for problem in Recipe.from_dict(given).check()]
    assert found == ["training.accumulation", "training.batch_size", "training.activation_checkpointing"]
    assert not Recipe.from_dict({"data": {"path": "a.csv"}}).check()


def test_a_pair_is_refused_by_the_method_or_by_the_adapter_and_the_nearest_is_of_its_sort(monkeypatch):
    sft, full = METHODS["sft"](), ADAPTERS["full"]()
    assert refusal(sft, full) == "" and nearest(sft, full) is ADAPTERS["full"]
    monkeypatch.setattr(ADAPTERS["full"], "refuses", lambda self, method: "Not with me.", raising=False)
    assert refusal(sft, full) == "Not with me." and nearest(sft, full) is not ADAPTERS["full"]
    monkeypatch.setattr(METHODS["sft"], "refuses", lambda self, adapter: f"No {adapter.type}.")
    assert refusal(sft, full) == "No full." and nearest(sft, full) is ADAPTERS["lora"]


def test_dropout_that_would_do_nothing_is_refused():
    given = {"data": {"path": "a.csv"}, "method": {"type": "dpo"}, "adapter": {"type": "lora", "dropout": 0.1}}
    (problem,) = Recipe.from_dict(given).check()
    assert problem.where == "adapter.dropout" and "without dropout" in problem.message
    assert not Recipe.from_dict(given | {"method": {"type": "sft"}}).check()


@pytest.mark.threat("S14")
@pytest.mark.parametrize(
    "value",
    ["9" * 5000, "-" + "9" * 5000, ".nan", ".inf", "-.inf", "1e400", "1e-400", '"\\ud800"', '"\\0"', "0x" + "f" * 5000,
     "2024-99-99", "0001-01-01T00:00:00+23:59", "1:" * 3000 + "1", "!!int ''", "!!float x", "0b2", "'9' ", "[1", "true",
     "!!binary x", "{=: 1}", "? [a]\n: b"],
)  # fmt: skip
@pytest.mark.parametrize("where", ["training.seed", "training.learning_rate", "training.epochs", "name", "model.id"])
def test_a_number_that_cannot_be_is_a_sentence(where, value):
    *groups, last = where.split(".")
    text = f"data: {{path: a.csv}}\n{groups[0] if groups else last}: " + (f"{{{last}: {value}}}" if groups else value)
    try:
        Recipe.from_yaml(text)
    except RecipeError as error:
        assert 10 < len(str(error)) < 2000
        assert str(error).encode("utf-8"), "it can be shown"


@pytest.mark.threat("T33")
@pytest.mark.parametrize(
    "given",
    [
        {"name": "hf_AbCdEfGhIjKlMnOpQrStUvWxYz01"},
        {"evaluation": {"prompts": ["Hello", "Use sk-Ab12Cd34Ef56Gh78Ij90Kl."]}},
        {"data": {"path": "https://hub.example/a.csv?token=abcdef"}},
    ],
)
def test_what_looks_like_a_key_is_refused_before_it_is_stored(given):
    (problem,) = Recipe.from_dict({"data": {"path": "a.csv"}, **given}).check()
    assert "looks like a password or a key" in problem.message and "FINETUNE_JUDGE_KEY" in problem.hint
    assert problem.where.split(".")[0] == [*given][0]
    assert not any(secret in str(problem) for secret in ("pa55word", "AbCd", "Ab12", "abcdef"))


@pytest.mark.threat("T33")
def test_a_refusal_does_not_repeat_a_key():
    rewards = [{"type": "judge", "model": "big", "endpoint": "https://x.example/v1?api_key=pa55word"}]
    for more in (
        {"training": {"seed": "hf_AbCdEfGhIjKlMnOpQrStUvWxYz01"}},
        {"method": {"type": "grpo", "rewards": rewards}},
    ):
        with pytest.raises(RecipeError) as caught:
            Recipe.from_dict({"data": {"path": "a.csv"}, **more})
        assert "pa55word" not in str(caught.value) and "AbCd" not in str(caught.value)


PATHS = [
    "/etc/passwd",
    "../x",
    "../../../../etc/passwd",
    "..",
    "a/../../x",
    "file:///etc/passwd",
    "\\\\host\\share",
    "C:\\Windows",
    "~/.ssh/id_rsa",
    "http://127.0.0.1/x",
    "x\0y",
    "$(touch x)",
    "refs/../../x",
    "x//y",
    "./x",
]
NAMED = ["model.id", "model.revision", "model.run"]


@pytest.mark.threat("T18", "S9", "T28")
@pytest.mark.parametrize("text", PATHS)
@pytest.mark.parametrize("setting", NAMED)
def test_the_name_of_a_model_a_revision_or_a_run_is_no_path(recipe, setting, text):
    with pytest.raises(RecipeError) as caught:
        recipe.changed(**{setting: text})
    assert setting in str(caught.value) and len(str(caught.value)) < 600


@pytest.mark.threat("T18", "S9")
@pytest.mark.parametrize("text", PATHS)
@pytest.mark.parametrize(
    "method",
    [
        {"type": "distillation", "teacher": "HERE"},
        {"type": "distillation", "teacher": "starter", "teacher_revision": "HERE"},
        {"type": "grpo", "rewards": [{"type": "judge", "model": "HERE"}]},
        {"type": "grpo", "rewards": [{"type": "model", "run": "HERE"}]},
    ],
)
def test_nor_is_that_of_a_teacher_a_judge_or_a_reward_model(method, text):
    given = yaml.safe_load(yaml.safe_dump(method).replace("HERE", json.dumps(text)))
    with pytest.raises(RecipeError):
        Recipe.from_dict({"data": {"path": "a.csv"}, "method": given})


@pytest.mark.parametrize(
    "name", ["starter", "my model (2)", "Modell-für_alle", "Qwen/Qwen2.5-0.5B-Instruct", "a/b.c_d"]
)
def test_names_that_people_give_models_are_taken(recipe, name):
    assert recipe.changed(**{"model.id": name}).model.id == name


@pytest.mark.parametrize("revision", ["main", "v1.0", "refs/pr/3", "a" * 40, "feature/x-y"])
def test_names_that_people_give_revisions_are_taken(recipe, revision):
    assert recipe.changed(**{"model.revision": revision}).model.revision == revision


@pytest.mark.threat("T18")
@pytest.mark.parametrize("text", PATHS)
@pytest.mark.parametrize("setting", ["path", "also", "held_out", "replay", "mix"])
def test_a_path_of_data_from_a_visitor_leaves_no_folder_that_is_theirs(workspace, tmp_path, setting, text):
    from functools import partial

    from finetune.data.mix import gather

    (tmp_path / "x").write_text("prompt,completion\na,b\n")
    data = {"path": "assets/samples/pirate-voice.jsonl"} | {
        setting: {"also": (text,), "mix": [{"path": text}]}.get(setting, text)
    }
    with pytest.raises(FinetuneError) as caught:
        settings = Recipe.from_dict({"data": data}).data
        gather(settings, partial(workspace.find, trusted=False), 0, trusted=False)
    assert str(tmp_path) not in str(caught.value)


LONG = "x" * 1_000_000


@pytest.mark.threat("S7", "T36")
@pytest.mark.parametrize(
    "given",
    [
        {"evaluation": {"prompts": [LONG]}},
        {"evaluation": {"prompts": ["x"] * 1000}},
        {"data": {"path": "a.csv", "system": LONG}},
        {"data": {"path": LONG}},
        {"data": {"path": "a.csv", "format": LONG}},
        {"data": {"path": "a.csv", "columns": {"prompt": LONG}}},
        {"data": {"path": "a.csv", "columns": {str(n): "x" for n in range(5000)}}},
        {"data": {"path": "a.csv", "roles": {LONG: "user"}}},
        {"data": {"path": "a.csv", "group": LONG}},
        {"data": {"path": "a.csv", "fixes": [{"type": "correct", "row": 1, "values": {"a": LONG}}]}},
        {"data": {"path": "a.csv", "fixes": [{"type": "add", "values": {"a": "x" * 900_000}}] * 9}},
        {"data": {"path": "a.csv", "fixes": [{"type": "drop", "rows": "1-9999999"}]}},
        {"data": {"path": "a.csv", "fixes": [{"type": "drop", "rows": ",".join(["1-999999"] * 9)}]}},
        {"data": {"path": "a.csv", "fixes": [{"type": "drop", "rows": "1" * 5000}]}},
        {"method": {"type": "grpo", "rewards": [{"type": "text", "value": LONG}]}},
        {"method": {"type": "grpo", "rewards": [{"type": "label", "labels": ["a", LONG]}]}},
        {"method": {"type": "grpo", "rewards": [{"type": "json", "schema": {"title": LONG}}]}},
        {"method": {"type": "grpo", "rewards": [f"text: {{value: {LONG}}}"]}},
    ],
    ids=lambda given: str(given)[:70],
)
def test_a_text_of_absurd_length_is_refused_with_a_short_sentence(given):
    started = time.process_time()
    with pytest.raises(RecipeError) as caught:
        Recipe.from_dict({"data": {"path": "a.csv"}, **given})
    assert len(str(caught.value)) < 1000 and time.process_time() - started < 2


@pytest.mark.threat("T17", "T4")
@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "http://127.0.0.1:9/x"},
        {"properties": {"a": {"$ref": "file:///etc/passwd"}}},
        {"$dynamicRef": "http://127.0.0.1:9/x"},
        {"patternProperties": {"(a+)+$": {}}},
        {"pattern": "(?=x)"},
    ],
)
def test_a_json_schema_reads_no_file_and_no_address(schema):
    with pytest.raises(RecipeError):
        Recipe.from_dict(
            {"data": {"path": "a.csv"}, "method": {"type": "grpo", "rewards": [{"type": "json", "schema": schema}]}}
        )


@pytest.mark.threat("S7")
@pytest.mark.parametrize(
    "schema, answer",
    [
        ({"pattern": "^(a+)+$"}, '"' + "a" * 60 + '!"'),
        ({"$ref": "#"}, "{}"),
        ({"$id": "http://127.0.0.1:9/", "$ref": "#/nothing"}, "{}"),
        ({"$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}] * 5}}, "$ref": "#/$defs/a"}, "1"),
    ],
)
def test_a_json_schema_cannot_hang_a_run(schema, answer):
    from finetune.rewards.json_form import JsonForm
    from finetune.rewards.reward import Answered

    started = time.process_time()
    assert JsonForm(schema=schema).score(Answered(text=answer)) == 0.5
    assert time.process_time() - started < 3


def test_a_batch_that_does_not_divide_is_one_problem():
    given = {"data": {"path": "a.csv"}, "training": {"batch_size": 4, "accumulation": 1024}}
    assert [problem.where for problem in Recipe.from_dict(given).check()] == ["training.accumulation"]


def test_early_stopping_needs_evaluations():
    given = {"data": {"path": "a.csv"}, "evaluation": {"patience": 2, "times": 0}}
    assert [problem.where for problem in Recipe.from_dict(given).check()] == ["evaluation.patience"]
    assert not Recipe.from_dict(given | {"evaluation": {"patience": 2}}).check()
