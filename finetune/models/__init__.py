"""Models: base model and tokenizer in, tuned model out.

known         the open models that the page offers
locate        where a model is on this machine, downloaded if needed
files         whole files, by name, size and header
architecture  what it is by its config: a causal language model, and how it is quantized
reading       weights read with Transformers, and whether it found all of them
inspection    all that is known of it before its weights are read
tokenizer     its tokenizer
turn_end      the token that ends an answer, as the rows teach it
loading       its weights
continuation  a saved adapter, to be trained further
saving        the tuned model, written to the run directory
dialect       what lies beside the weights, as the base has it
"""
