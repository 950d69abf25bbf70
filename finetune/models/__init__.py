"""Models: base model and tokenizer in, tuned model out.

known         the open models that the page offers
locate        where a model is on this machine, downloaded if needed
hub           whose access to the Hub is used: the owner's token, or none
account       the account that a push goes to, and what a refusal of the Hub means
push          a folder sent to a repository of the Hub, and compared with what arrived
licenses      the license of a base, and what it asks of whoever passes a tuned model on
remote        a model on the Hub: its files, their sizes, its license
download      what of it is missing on this machine, and whether that fits on the disk
transfer      the bytes, by HTTP ranges: resumed after a break, stopped at any time
outline       config, tokenizer and headers of a model on the Hub, as a folder without weights
preview       what is known of it before its download, and whether it can be trained
files         whole files, by name, size and header
ceilings      the largest sizes that a config may claim
inside        files that are files, and links that lead nowhere else
vocabulary    the files of a tokenizer, before they are parsed
architecture  what it is by its config: a causal language model, and how it is quantized
reading       weights read with Transformers, and whether it found all of them
inspection    all that is known of it before its weights are read
tokenizer     its tokenizer
turn_end      the token that ends an answer, as the rows teach it
loading       its weights
continuation  a saved adapter, to be trained further
saving        the tuned model, written to the run directory
dialect       what lies beside the weights, as the base has it
usage         Python source that loads the tuned model
"""
