"""Defaults that the command line states: the default domain is named here alone, outside of its folder."""

DOMAIN = "medicine"
"""An embedded one."""
MOST_FACTS = 5_000
"""Facts of a domain that is made from a source, at most: more make a comparison slow and no verdict surer."""
