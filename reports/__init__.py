"""Pages from a finished run directory; knows no torch."""
