"""What the built-in suites add to the page of an evaluation, a module a suite."""
