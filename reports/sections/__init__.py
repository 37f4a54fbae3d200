"""One module a section; `registry.entries` finds them by itself."""
