"""Base and tuned side by side: the same question, and only the training differs.

chat        a finished run's pair of models, its answers, and the words in which they differ
paired      batched or sequential decoding of both from one copy of the weights
"""
