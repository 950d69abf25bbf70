"""A tuned model as llama.cpp reads it: what the export target ``gguf`` is made of.

families      the architectures that are known, and what of a config llama.cpp computes otherwise
metadata      a config as keys of GGUF
tensors       the weights of a model folder under llama.cpp's names
vocabulary    a tokenizer as keys of GGUF
splitting     how a tokenizer splits a text, by llama.cpp's name for it
writing       all of it into one file, a tensor at a time
tools         llama.cpp's own converter and quantizer, where this machine has them
turns         how a chat template writes turns, found out by rendering it
modelfile     the same for Ollama
reader        the file, opened by llama.cpp or by Transformers

Names and keys are those of llama.cpp's ``convert_hf_to_gguf.py`` (MIT), and of the ``gguf`` package.
"""
