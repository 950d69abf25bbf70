"""The page in a real browser, from data to comparison."""
