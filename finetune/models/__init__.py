"""Models: base model and tokenizer in, tuned model out.

known         the open models that the page offers
locate        where a model is on this machine, downloaded if needed
tokenizer     its tokenizer
turn_end      the token that ends an answer, as the rows teach it
loading       its weights
continuation  a saved adapter, to be trained further
saving        the tuned model, written to the run directory
dialect       what lies beside the weights, as the base has it
"""
