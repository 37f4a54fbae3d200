"""Section: the checks that stand before any verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from ..markup import badge, details, join, table
from ..model_view import Check
from ..registry import Section, section
from ..run_view import RunView


@section(order=20, title="Validity", anchor="validity")
def validity(run: RunView) -> Section:
    every = [(model.name, check) for model in run.models for check in model.validity]
    if not every:
        return Section(Markup("<p>No validity checks stand in this run.</p>"), "Without checks no number here is safe.")
    failed = [(name, check) for name, check in every if not check.passed]
    head = (
        Markup('<p class="alarm">{} of {} checks failed: the numbers may not mean what this page says they mean.</p>')
        if failed
        else Markup("<p>All {1} checks passed.</p>")
    ).format(len(failed), len(every))
    strip = Markup('<ul class="strip">{}</ul>').format(join(map(_chip, _by_check(every))))
    rows = [[name, c.check, _mark(c), _shown(c.value), _shown(c.tolerance), c.note] for name, c in every]
    head_row = ["model", "check", "result", "value", "tolerance", "note"]
    twin = table(head_row, rows, "Validity checks by model", css="words")
    return Section(
        head + strip + details("Every check with its value", twin),
        "Each check must pass before a verdict means anything: the adapter landed, the base is the base, "
        "the last lens layer is the model's own output, tokenizers agree, spans are aligned.",
    )


@dataclass(frozen=True, slots=True)
class Chip:
    """One check over all models: who failed it, how many had it, and the value that is farthest out."""

    name: str
    failed: list[str]
    models: int
    worst: Check


def _by_check(every: list[tuple[str, Check]]) -> list[Chip]:
    chips = []
    for name in dict.fromkeys(check.check for _, check in every):
        held = [(model, check) for model, check in every if check.check == name]
        failed = list(dict.fromkeys(model for model, check in held if not check.passed))
        worst = max((check for _, check in held), key=_badness)
        chips.append(Chip(name, failed, len({model for model, _ in held}), worst))
    return chips


def _badness(check: Check) -> tuple[bool, float]:
    """Failed checks first, then by the distance from zero, or from a tolerance that is a floor."""
    numbers = [one if isinstance(one, int | float) else 0.0 for one in (check.value, check.tolerance)]
    value, tolerance = numbers
    floor = check.passed and value >= tolerance
    return not check.passed, -value if floor else abs(value)


def _chip(chip: Chip) -> Markup:
    tone, words = ("failed", "✗ failed") if chip.failed else ("passed", "✓ passed")
    kind = "worst value" if chip.models > 1 else "value"
    said = [f"{kind} {_shown(chip.worst.value)}"] if chip.worst.value is not None else []
    said += [f"tolerance {_shown(chip.worst.tolerance)}"] if chip.worst.tolerance is not None else []
    about = [", ".join(said), ", ".join(chip.failed) or (f"{chip.models} models" if chip.models > 1 else "")]
    return Markup('<li class="{}"><b>{}</b> {} <span>{}</span></li>').format(
        tone, words, chip.name, "; ".join(filter(None, about))
    )


def _mark(check: Check) -> Markup:
    return badge("passed" if check.passed else "failed", "yes" if check.passed else "alarm")


def _shown(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.3g}" if isinstance(value, float) else str(value)
