"""A comparison from its options to a finished run directory."""
