"""The Compare tab.

tab             its components and events: one question, two answers
"""
