"""Which of a run's models are trainings of one tune: `--replicates NAME=MODEL,MODEL,...`, read and checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ...errors import UsageError

FLAG = "--replicates"
FORM = "NAME=MODEL,MODEL,..."
LEAST = 2
"""Trainings that have a spread."""


def as_text(value: Any) -> Any:
    """Return a mapping from group names to model names in the option's form; any other value as it is."""
    if not isinstance(value, Mapping):
        return value
    return tuple(
        f"{name}={models if isinstance(models, str) else ','.join(map(str, models))}" for name, models in value.items()
    )


def replicate_models(given: Sequence[str], own: Mapping[str, str | None]) -> dict[str, tuple[str, ...]]:
    """Return the models of each group, keyed by the group's name.

    Args:
        given: Values of the option.
        own: Own specialty of each of the run's models (None: the whole domain).

    Raises:
        UsageError: A value has another form, names what is no model of the run or a model that is in a group already,
            or groups a single model, models of different own specialties, or under the name of a model.
    """
    groups: dict[str, tuple[str, ...]] = {}
    group_of: dict[str, str] = {}
    for text in given:
        name, models = _split(text)
        place = f"{FLAG} {text}"
        if name in groups:
            raise UsageError(f"{place}: {name} is given twice; name all its models once")
        if name in own:
            raise UsageError(f"{place}: {name} is the name of a model; give the group another name")
        for model in models:
            if model not in own:
                raise UsageError(f"{place}: no such model: {model}; the models are {', '.join(own)}")
        for model, count in Counter(models).items():
            if count > 1:
                raise UsageError(f"{place}: {model} is given {count} times; give each training once")
            if model in group_of:
                raise UsageError(f"{place}: {model} is in {group_of[model]} already; a model is in one group")
            group_of[model] = name
        if len(models) < LEAST:
            raise UsageError(f"{place}: only one model; a group needs two trainings or more")
        if len({own[model] for model in models}) > 1:
            different = ", ".join(f"{model} ({own[model] or 'the whole domain'})" for model in models)
            raise UsageError(f"{place}: different own specialties: {different}; group trainings of one tune")
        groups[name] = models
    return groups


def different_weights(groups: Mapping[str, Sequence[str]], weights: Mapping[str, str]) -> None:
    """Refuse a group in which two models are the same training: their spread would say nothing of seeds.

    Args:
        groups: Models of each group.
        weights: Hash of each model's content.

    Raises:
        UsageError: Two models of a group have the same content.
    """
    for name, models in groups.items():
        first: dict[str, str] = {}
        for model in models:
            same = first.setdefault(weights[model], model)
            if same != model:
                raise UsageError(f"{FLAG} {name}: {same} and {model} have the same weights; give separate trainings")


def _split(text: str) -> tuple[str, tuple[str, ...]]:
    """Return the group's name and its models. Only the first `=` separates them: a model's name may hold others."""
    name, separator, models = text.partition("=")
    members = tuple(model.strip() for model in models.split(","))
    if not separator or not name.strip() or not all(members):
        raise UsageError(f"{FLAG} {text}: not a group of models; give {FORM}")
    return name.strip(), members
