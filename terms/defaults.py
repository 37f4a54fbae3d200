"""The default domain: the one place outside of its folder that names it."""

DOMAIN = "medicine"
"""An embedded one."""
