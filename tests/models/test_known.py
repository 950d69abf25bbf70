from finetune.models.known import known_models, local_models


def test_the_folders_of_the_workspace_are_listed(with_tiny):
    (with_tiny.models_dir / "empty").mkdir()
    assert local_models(with_tiny) == ["tiny"]


def test_each_known_model_states_what_it_needs():
    models = known_models()
    assert len(models) >= 8
    assert all(known.license and known.needs and known.parameters > 0 for known in models)
