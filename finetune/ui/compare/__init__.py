"""The Compare tab: the same question to base and tuned.

tab             its components and events
"""
