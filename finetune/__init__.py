"""Finetune Studio: from a data file to a tuned model, with proof of what changed."""
