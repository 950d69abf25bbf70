"""The teacher of a run in its script: the model that a method learns from, in a folder or on the Hub."""

import shutil
from pathlib import Path

from finetune.models.locate import locate
from finetune.recipe import Recipe
from finetune.runs.workspace import Workspace
from finetune.training.teacher import teacher_of

TEACHER = '''
def load_teacher(folder: Path):
    """The frozen teacher in eval mode, from ``folder`` if it exists, else from the Hub."""
    if not folder.is_dir():
        wanted = ["*.json", "*.safetensors"]
        folder = snapshot_download(TEACHER, revision=TEACHER_REVISION, allow_patterns=wanted)
    model = AutoModelForCausalLM.from_pretrained(
        folder,
        dtype={"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}[PRECISION],
        device_map={"": device()},
        attn_implementation=ATTENTION,
        use_safetensors=True,
    )
    return model.eval().requires_grad_(False)
'''
"""How the script loads the model that a method learns from."""
TAUGHT = "        teacher_model=load_teacher(options.data / TEACHER),\n"
"""How the trainer gets it."""


def put_teacher(recipe: Recipe, workspace: Workspace, staging: Path) -> dict:
    """TEACHER and TEACHER_REVISION, as MODEL and REVISION; nothing for a method that learns from no other model."""
    teacher = teacher_of(recipe)
    if teacher is None:
        return {}
    folder = locate(teacher, workspace)
    if folder.parent.name == "snapshots":
        return {"TEACHER": teacher.id, "TEACHER_REVISION": folder.name}
    shutil.copytree(folder, staging / "teacher")
    return {"TEACHER": "teacher", "TEACHER_REVISION": None}
