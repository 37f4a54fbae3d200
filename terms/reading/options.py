"""The options of a multiple-choice question, in the forms in which data sets hold them."""

from __future__ import annotations

from typing import Any

PAIRS = (("key", "value"), ("label", "text"))
"""Names of a letter and its text, where an option is a record of both: the hub's MedQA, ARC."""


def keyed_options(given: Any) -> tuple[list[str] | None, Any]:
    """Return the keys of options and the options alone.

    Read are {"A": text}, [{"key": "A", "value": text}], {"label": ["A"], "text": [text]}. Of a list of texts, and of
    what is none of these, the keys are None, and the options are as given.
    """
    for key, value in PAIRS:
        is_pairs = isinstance(given, list) and all(isinstance(one, dict) and {key, value} <= set(one) for one in given)
        if given and is_pairs:
            return [str(one[key]) for one in given], [one[value] for one in given]
        if isinstance(given, dict) and set(given) == {key, value} and isinstance(given[key], list):
            return [str(one) for one in given[key]], given[value]
    if isinstance(given, dict):
        keys, options = [str(key) for key in given], list(given.values())
        while options and options[-1] is None:
            # Of a table some loaders give every key that any record has.
            keys.pop(), options.pop()
        return keys, options
    return None, given
