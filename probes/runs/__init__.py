"""Plan a comparison, score its models, and keep the run in its directory."""
