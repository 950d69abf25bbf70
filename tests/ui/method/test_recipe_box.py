from finetune.recipe import Recipe
from finetune.ui.method import recipe_box


def test_a_recipe_downloads_under_its_name_and_opens_again():
    path = recipe_box.save_text(Recipe.from_dict({"name": "My pirate", "data": {"path": "x.csv"}}).to_yaml())
    assert path.endswith("my-pirate.yaml") and "My pirate" in recipe_box.read_text(path)
    assert recipe_box.save_text("broken: [").endswith("recipe.yaml")
