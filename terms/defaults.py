"""What is taken where a person says nothing of the domain: the one place outside of its folder that names it."""

DOMAIN = "medicine"
"""An embedded one."""
