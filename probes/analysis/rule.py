"""The number of the verdict's rule. Knows neither torch nor numpy."""

RULE = 4
"""Raised whenever a statistic, constant or threshold of the verdict changes: error rates hold for one rule alone."""
