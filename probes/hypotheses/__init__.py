"""Hypotheses stated in a file before looking, tested as stated.

files      a TOML file → hypotheses, checked; the ready ones
contrast   `own - other` over groups, or over the coefficients of a formula
material   a finished run → its models beside their base, items and all
rows       → what is read of the items, and the columns that groups are made of
measures   → a value for each row: gain, margin, specific knowledge, … and those of other packages
effects    → one hypothesis on one model: its groups, and the tests of its effect
decide     → supported, refuted, cannot tell
testing    all of it, corrected over hypotheses and models
record     `hypotheses.json` in the run directory
"""
