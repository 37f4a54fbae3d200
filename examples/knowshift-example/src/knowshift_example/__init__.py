"""What a package adds to knowshift; see pyproject.toml for how it is registered."""
