"""Exports: the forms in which a run leaves the program, one file each, found by being there.

target      the base class: everything the program has to know of an export target
adapter     the tuned model as it was saved, in a zip
merged      the tuned model as a folder that needs no base
gguf        the tuned model as one file for llama.cpp and Ollama
hub         the tuned model in a repository on the Hugging Face Hub
script      the training as one script that needs no Finetune Studio

launchers/    the ways to start that script, one file each

handover      where an export by the page stands, in the run directory
reader        what a parity check asks of what was written
parity        whether what was written answers as the run does
layouts       how a run lies in a repository of the Hub
plain         what was written, opened by plain Transformers and PEFT
production    the lines that serve it to many, with vLLM
steps         what to do next with what was written
staging       a folder that is there whole or not at all
card          the model card, which goes with a model
front_matter  its head, as the Hub reads it
script_source the text of the script's train.py
teacher       the model that a method learns from, which goes with a script
llama_cpp/    a model as llama.cpp reads it

How to add one:

1. A file here with a subclass of ``Target``: its name for ``export --as``, its words, its options, ``require``,
   ``write`` and ``reader``. Import heavy libraries inside its functions. The page and the command line offer it by
   themselves.
2. ``python -m tests.docs --write`` for the table of commands in the README.
"""

import sys

from finetune.exports.target import Exported, Target
from finetune.registry import discover

TARGETS: dict[str, Target] = {cls.name: cls() for cls in discover(sys.modules[__name__], Target)}

__all__ = ["TARGETS", "Exported", "Target"]
