from finetune.recipe import Recipe
from finetune.ui.method import recipe_box


def test_a_recipe_downloads_under_its_name_and_opens_again(tmp_path):
    path = recipe_box.save_text(tmp_path, Recipe.from_dict({"name": "My pirate", "data": {"path": "x.csv"}}).to_yaml())
    assert path.endswith("my-pirate.yaml") and "My pirate" in recipe_box.read_text(path)
    assert recipe_box.save_text(tmp_path, "broken: [").endswith("recipe.yaml")
