"""`python -m knowshift` is `probe`."""

from .cli import main

main()
