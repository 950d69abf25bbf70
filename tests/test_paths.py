from finetune.paths import ASSETS, PROJECT


def test_the_project_is_where_app_py_is():
    assert (PROJECT / "app.py").is_file() and (ASSETS / "studio.css").is_file()
