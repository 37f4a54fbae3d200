"""A run's summary card: Markdown under YAML front matter, as a Hugging Face model card has it. Called by the command.

Metadata follow https://huggingface.co/docs/hub/model-cards and huggingface/hub-docs `modelcard.md`. `datasets` names
training data by their hub ids; a run knows none, so it is left out. No text of a corpus stands on a card.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import RunError
from ..probes.results.estimate import Estimate
from ..probes.results.findings import Counts, Finding, KnowledgeFinding, Ledger, Rate
from ..probes.results.model import ModelResult
from ..probes.results.replicates import ReplicateGroup, states_in_words
from ..probes.results.rounding import RoundingResult
from ..probes.results.rungs import (
    ABSOLUTE_SHIFT,
    ACQUIRED,
    BEYOND_CONTRAST,
    GENERAL_LANGUAGE,
    LEARNED,
    REINFORCED,
    RIGHT_WRONG_PAIRS,
    ROUNDING,
    RUNG_LABELS,
    RUNGS,
    TOWARDS_OWN,
    Change,
)
from .markup import ABSENT, interval, p_value, plain, signed, why_missing
from .run_view import RunView, flat
from .writing import write_file

if TYPE_CHECKING:
    from huggingface_hub import EvalResult

LANDED = "adapter landed"
"""The check that only adapters have."""


def write_card(run: Path, out: Path, only: str | None = None) -> Path:
    """Write the card of the finished run directory `run` to `out`, for all its tuned models or for `only` one.

    Returns:
        The path written.

    Raises:
        RunError: The run cannot be read, has no such model, or the card cannot be written.
    """
    view = RunView.read(Path(run))
    if only is not None:
        if only not in view.models:
            raise RunError(f"--model {only}: no such tuned model in {run}; it has {', '.join(view.models)}")
        groups = {name: group for name, group in view.result.replicates.items() if only in group.models}
        kept = {"models": {only: view.models[only]}, "replicates": groups}
        view = replace(view, result=view.result.model_copy(update=kept))
    return write_file(Path(out), card(view).encode("utf-8", "replace"), "card.md")


def card(run: RunView) -> str:
    """Return the card; whatever names and paths hold is shown as text."""
    parts = [f"---\n{_metadata(run)}\n---", *_head(run)]
    for group_name, group in run.result.replicates.items():
        parts += _replicates(group_name, group)
    for name, model in run.models.items():
        parts += _model(run, name, model)
    return "\n\n".join([*parts, *_reproduce(run)]) + "\n"


def _metadata(run: RunView) -> str:
    """Return the front matter's YAML, by the hub's own client."""
    from huggingface_hub.repocard_data import CardData, eval_results_to_model_index

    models = run.models.items()
    kinds = {"adapter" if any(c.check == LANDED for c in model.validity) else "finetune" for _, model in models}
    index = [
        entry
        for name, model in models
        for entry in eval_results_to_model_index(one_line(name), list(_results(run, model)))
    ]
    metadata: dict[str, Any] = {
        "base_model": one_line(run.record.base_hub_id or run.result.base),
        "base_model_relation": kinds.pop() if len(kinds) == 1 else None,
        "tags": ["knowshift", one_line(run.result.domain)],
        "model-index": index,
    }
    return str(CardData(**metadata).to_yaml())


def _results(run: RunView, model: ModelResult) -> Iterable[EvalResult]:
    """Yield a result for each metric that could be estimated, all on the run's domain."""
    from huggingface_hub import EvalResult

    domain = one_line(run.result.domain)
    own = model.knowledge.learned.own
    learned = Estimate(own.rate, own.low, own.high, unit="share", n=own.n) if own.n else ABSENT
    metrics = {
        "acquired": (ACQUIRED, model.acquired),
        "facts_learned": (LEARNED, learned),
        "shift_beyond_contrast": (BEYOND_CONTRAST, model.shift.over_contrast),
        "absolute_shift": (ABSOLUTE_SHIFT, model.shift.absolute),
    }
    for kind, (name, number) in metrics.items():
        if number.value is not None:
            ends = {"low": number.low, "high": number.high}
            args: dict[str, Any] = {"unit": one_line(number.unit), "n": number.n or None}
            args |= {name: None if end is None else round(end, 6) for name, end in ends.items()}
            yield EvalResult(
                task_type="text-generation",
                dataset_type=domain,
                dataset_name=f"{domain} (domain of knowshift)",
                dataset_config=one_line(model.own) if model.own else None,
                dataset_revision=one_line(run.record.hashes.domain) or None,
                metric_type=kind,
                metric_value=round(number.value, 6),
                metric_name=name,
                metric_args={key: arg for key, arg in args.items() if arg is not None},
            )


def _head(run: RunView) -> list[str]:
    """Return the title, what was compared, and a row a model."""
    version = run.record.versions.get("knowshift", "")
    base, domain = text(run.result.base), text(run.result.domain)
    rows = [
        [
            text(name),
            text(run.specialty(model.own)),
            text(model.verdict),
            text(model.knowledge.label),
            _value(model.acquired),
            _both_learned(model.knowledge),
            text(model.shift.label),
            _value(model.shift.over_contrast),
        ]
        for name, model in run.models.items()
    ]
    names = (ACQUIRED, f"{LEARNED}: own / other", BEYOND_CONTRAST)
    acquired, learned, beyond = (name[0].lower() + name[1:] for name in names)
    head = ["model", "own specialty", "verdict", "knowledge", acquired, learned, "shift", beyond]
    return [
        "# Knowledge or domain shift?",
        f"What fine-tuning changed beside the base **{base}** on the domain **{domain}**: did it inject "
        "knowledge, or only shift the domain? Measured by knowshift "
        f"{text(version)}; gains in {text(run.unit)}, with 95% intervals.",
        _table(head, rows),
    ]


def _model(run: RunView, name: str, model: ModelResult) -> list[str]:
    calibration = model.calibration.sentence if model.calibration else ""
    rounding = model.part(ROUNDING, RoundingResult)
    lines = [
        ("Knowledge", _finding(model.knowledge)),
        (ACQUIRED, _value(model.acquired, wide=True)),
        (LEARNED, _learned(model.knowledge)),
        (f"{REINFORCED}, of those known", _reinforced(model)),
        ("Lost, of those known", _own_and_other(model.ledger, "lost", model.ledger.p_lost)),
        (RIGHT_WRONG_PAIRS, _pairs(model)),
        ("Shift", _finding(model.shift)),
        (BEYOND_CONTRAST, _value(model.shift.over_contrast, wide=True)),
        (ABSOLUTE_SHIFT, _value(model.shift.absolute, wide=True)),
        (GENERAL_LANGUAGE, _value(model.shift.general, wide=True)),
        (TOWARDS_OWN, _value(model.shift.towards_own, wide=True)),
        ("Transferable", _value(model.transferable)),
        ("How often such a verdict is wrong", text(calibration) or "not measured for this version"),
        *([("Rounding", text(rounding.sentence))] if rounding is not None else []),
        *(("Missing", text(line)) for line in model.missing),
    ]
    rungs = [[RUNG_LABELS[rung], _value(model.rungs.get(rung, ABSENT))] for rung in RUNGS]
    failed = [check for check in model.validity if not check.passed]
    checks = [
        [
            text(check.check),
            text(plain(check.value, 4)),
            text(plain(check.tolerance, 4)),
            "passed" if check.passed else "**failed**",
            text(check.note),
        ]
        for check in model.validity
    ]
    return [
        f"## {text(name)}",
        f"**{text(model.verdict)}**: {text(model.sentence)}",
        "\n".join(f"- **{title}**: {shown}" for title, shown in lines),
        "### Ladder, from facts",
        _table(["rung", text(run.unit)], rungs),
        f"### Validity: {len(model.validity) - len(failed)} of {len(model.validity)} checks passed",
        _table(["check", "value", "tolerance", "", "note"], checks),
    ]


def _replicates(name: str, group: ReplicateGroup) -> list[str]:
    """Return the summary of a group of trainings, with each training's interval over facts."""
    rows = [
        [
            text(title),
            _value(spread.mean),
            "–" if spread.sd is None else plain(spread.sd),
            "; ".join(f"{text(model)} {_value(number)}" for model, number in spread.trainings.items()),
        ]
        for title, spread in group.spreads.items()
    ]
    head = [
        "",
        "mean, with its interval over trainings",
        "SD over trainings",
        "each training, with its interval over facts",
    ]
    return [
        f"## {text(name)}: {len(group.models)} trainings of one tune",
        text(group.sentence),
        f"Knowledge {states_in_words(group.knowledge)}; shift {states_in_words(group.shift)}. "
        "Each training has its own verdict; the group has none.",
        _table(head, rows),
    ]


def _reproduce(run: RunView) -> list[str]:
    record = run.record
    hashes = flat(record.hashes.model_dump(exclude_unset=True))
    versions = ", ".join(f"{name} {version}" for name, version in record.versions.items())
    named = {
        "seed": record.seed,
        "dtype": record.dtype,
        "device": record.device,
        "template": record.template,
        "engine": record.engine,
    }
    settings = ", ".join(f"{name} {setting}" for name, setting in named.items() if setting is not None)
    return [
        "## How to reproduce",
        _code(record.command or "command not recorded"),
        f"Settings: {text(settings)}. Versions: {text(versions)}.",
        _table(["content", "SHA-256"], [[text(name), text(digest)] for name, digest in hashes]),
        "The same command on the same contents with the same versions and seed gives the same numbers.",
    ]


def one_line(words: object) -> str:
    """Return text without what a reader cannot see: any white space is a space, control characters are `�`."""
    return "".join(c if c.isprintable() else "�" for c in " ".join(str(words).split()))


def text(words: object) -> str:
    """Escape text that Markdown is to show as it is within a line or a table's cell; not at a line's beginning."""
    line = one_line(words).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # A colon or `www.` before more letters would become a link by itself.
    return re.sub(r"[\\`*_\[\]|~$@]|:(?=\S)|(?<=www)\.", r"\\\g<0>", line, flags=re.I)


def _code(command: str) -> str:
    """Return a code block whose fence is longer than any run of backticks inside."""
    inside = one_line(command)
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", inside)), default=0))
    return f"{fence}\n{inside}\n{fence}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _value(number: Estimate, *, wide: bool = False) -> str:
    if number.value is None:
        return text(f"not estimated: {why_missing(number)}")
    rest = [number.unit, f"n = {number.n}" if number.n else "", p_value(number.p), number.method] if wide else []
    return "; ".join([f"{signed(number.value)} {interval(number)}", *map(text, filter(None, rest))])


def _finding(finding: Finding) -> str:
    return text(f"{finding.label}: {finding.why}" if finding.why else finding.label)


def _both_learned(finding: KnowledgeFinding) -> str:
    own, reference = finding.learned.own, finding.learned.reference
    return f"{own.hits} of {own.n} / {reference.hits} of {reference.n}"


def _learned(finding: KnowledgeFinding) -> str:
    return f"{_rate(finding.learned.own)} own, beside {_rate(finding.learned.reference)} other"


def _rate(rate: Rate) -> str:
    """Return `3 of 31 (10%, interval 2% to 26%)`."""
    shown = f"{rate.hits} of {rate.n}"
    if rate.rate is None or rate.low is None or rate.high is None:
        return shown
    return f"{shown} ({rate.rate:.0%}, interval {rate.low:.0%} to {rate.high:.0%})"


def _reinforced(model: ModelResult) -> str:
    parts = model.reinforced
    return (
        f"{_value(parts.difference, wide=True)} (own margins {_value(parts.own)}, other margins "
        f"{_value(parts.reference)})"
    )


def _pairs(model: ModelResult) -> str:
    sides = [f"{side} {_change(of.base, of.tuned)}" for side, of in model.right_wrong_pairs.items()]
    return ", ".join(sides)


def _change(base: float | None, tuned: float | None) -> str:
    return " → ".join("–" if share is None else f"{share:.0%}" for share in (base, tuned))


def _share(counts: Counts, change: Change) -> str:
    return "{} of {}".format(*counts.share(change))


def _own_and_other(ledger: Ledger, change: Change, p: float | None) -> str:
    own, other = _share(ledger.own, change), _share(ledger.other, change)
    return f"{own} own, beside {other} other" + (f"; {p_value(p)}" if p is not None else "")
