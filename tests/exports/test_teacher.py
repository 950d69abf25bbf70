from finetune.exports.teacher import put_teacher
from tests.training.test_train import recipe


def test_a_teacher_of_the_workspace_is_copied_beside_the_script(with_tiny, tmp_path, tiny_teacher):
    found = put_teacher(recipe(tmp_path, "distillation"), with_tiny, tmp_path / "out")
    assert found == {"TEACHER": "teacher", "TEACHER_REVISION": None}
    copied = {path.name for path in (tmp_path / "out" / "teacher").iterdir()}
    assert copied == {path.name for path in tiny_teacher.iterdir()}


def test_a_teacher_of_the_hub_is_named_with_its_exact_commit(with_tiny, tmp_path, tiny_teacher, monkeypatch):
    snapshot = tmp_path / "snapshots" / "abc"
    monkeypatch.setattr("finetune.exports.teacher.locate", lambda settings, workspace: snapshot)
    given = recipe(tmp_path, "distillation", **{"method.teacher": "owner/name"})
    assert put_teacher(given, with_tiny, tmp_path / "out") == {"TEACHER": "owner/name", "TEACHER_REVISION": "abc"}


def test_a_method_without_a_teacher_has_none_in_its_script(with_tiny, tmp_path):
    assert put_teacher(recipe(tmp_path), with_tiny, tmp_path / "out") == {}
