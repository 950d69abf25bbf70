"""One run, from its recipe to its model.

train           the story: prepare, load, build the trainer, train, save; again with less where memory runs out
attempt         one attempt at it: what it is made of, and the TRL trainer that is built from that
prepare         recipe and workspace in; tokenizer, rows, defaults and notes out
base            the base, brought to this machine: a model of the Hub is downloaded as a phase of the run
origin          what it is made from, noted so that a resumed run is made from the same
start           what it starts from: the base, or an earlier run
defaults        what is chosen where the recipe leaves it open, each value with its reason
separation      whether the model keeps rows apart that share a sequence, tried before any is packed
teacher         the frozen model that it learns from, where its method has one
helpers         the reward models and judges that its rewards want
reward_preview  what the base earns, before there is a run
head            whether TRL's chunked head gives the model's own loss, tried before it is trained
trainer         what every TRL trainer is given: checkpoints that are whole or not there, an order that can be resumed
trackers        the tools that a run may report to beside its events: what each needs
tracked         Transformers' callbacks for them, of which none that fails ends the run
reporter        the trainer's callback: what happened, as events
sample_answers  the answers of base and tuned to a few fixed prompts while it trains
pushing         checkpoints sent to the Hub as they are saved, and fetched to resume there
movement        whether it has changed anything
numerics        precision, optimizer, threads: what the trainer really uses, and why
fallbacks       what a recipe can give up when memory runs out, in order
distributed     several processes that train one run
fsdp            a model sharded among them (FSDP 2)
"""
