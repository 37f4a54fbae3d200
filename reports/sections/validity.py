"""Section: the checks that stand before any verdict."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from ...probes.results.findings import Check
from ..markup import badge, details, join, plain, table
from ..registry import Section, section
from ..run_view import RunView


@section(order=20, title="Validity", anchor="validity")
def validity(run: RunView) -> Section:
    every = [(name, check) for name, model in run.models.items() for check in model.validity]
    if not every:
        return Section(Markup("<p>No validity checks stand in this run.</p>"), "Without checks no number here is safe.")
    failed = [(name, check) for name, check in every if not check.passed]
    head = (
        Markup('<p class="alarm">{} of {} checks failed: the numbers may not mean what this page says they mean.</p>')
        if failed
        else Markup("<p>All {1} checks passed.</p>")
    ).format(len(failed), len(every))
    strip = Markup('<ul class="strip">{}</ul>').format(join(map(_chip, _by_check(every))))
    rows = [[name, c.check, _mark(c), plain(c.value), plain(c.tolerance), c.note] for name, c in every]
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
        checks = [(model, check) for model, check in every if check.check == name]
        failed = list(dict.fromkeys(model for model, check in checks if not check.passed))
        worst = max((check for _, check in checks), key=_badness)
        chips.append(Chip(name, failed, len({model for model, _ in checks}), worst))
    return chips


def _badness(check: Check) -> tuple[bool, float]:
    """Order failed checks first, then by the distance from zero, or from a tolerance that is a floor."""
    value, tolerance = check.value or 0.0, check.tolerance or 0.0
    floor = check.passed and value >= tolerance
    return not check.passed, -value if floor else abs(value)


def _chip(chip: Chip) -> Markup:
    tone, words = ("failed", "✗ failed") if chip.failed else ("passed", "✓ passed")
    kind = "worst value" if chip.models > 1 else "value"
    numbers = [f"{kind} {plain(chip.worst.value)}"] if chip.worst.value is not None else []
    numbers += [f"tolerance {plain(chip.worst.tolerance)}"] if chip.worst.tolerance is not None else []
    about = [", ".join(numbers), ", ".join(chip.failed) or (f"{chip.models} models" if chip.models > 1 else "")]
    return Markup('<li class="{}"><b>{}</b> {} <span>{}</span></li>').format(
        tone, words, chip.name, "; ".join(filter(None, about))
    )


def _mark(check: Check) -> Markup:
    return badge("passed" if check.passed else "failed", "yes" if check.passed else "alarm")
