"""The suites of this package, one a module; each holds a `SUITE` called as its module."""
