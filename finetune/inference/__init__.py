"""Base and tuned side by side: the same question, the same sampling; only the training differs.

chat        base and tuned of a finished run: their answers, and the words in which these differ
panel       up to four models asked the same question: bases, tuned models and kept checkpoints
column      one of them, and how it is loaded to answer alone
integrity   what makes their answers comparable, checked at each question
memory      whether columns fit in free memory, beside a training too
untouched   a base as it was loaded, with the record that it is compared with
voice       models that answer in one decoding, and the text of an answer as it grows
question    a question as both are asked it
few_shot    the base with examples in its prompt, beside its plain answer
sampling    the settings of an answer, and its next token
paired      batched or sequential decoding of both, decided by trial
trial       what the trial asks, and what must be equal
batched     both in one batch of two rows, from one copy of the weights
decoding    one after the other

writer      a model that writes answers to many prompts
judge       points for an answer, or which of two is better, from another model
rating      answers rated by a reward model of this workspace
endpoint    a model behind an OpenAI-compatible endpoint
preferences pairs of answers from prompts and a judge
"""
