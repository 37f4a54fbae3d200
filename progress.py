"""How long work reports what it has done."""

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Called with what is being done, items done, items in all."""
