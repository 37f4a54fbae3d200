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
from .markup import interval, p_value, signed
from .model_view import RUNGS, Finding, ModelView
from .numbers import Number
from .run_view import RunView, flat
from .writing import put

if TYPE_CHECKING:
    from huggingface_hub import EvalResult

RUNG_TITLES = dict(zip(RUNGS, ("generic drift", "domain shift", "own wrong answers", "knowledge"), strict=True))
ANSWERS = {"yes": "yes", "no": "no", "unclear": "cannot tell"}
LANDED = "adapter landed"
"""The check that only adapters have."""


def write_card(run: Path, out: Path, only: str | None = None) -> Path:
    """Writes the card of the finished run directory `run` to `out`, of all its tuned models or of `only` one.

    Returns the path written. Raises RunError.
    """
    view = RunView.read(Path(run))
    if only is not None:
        chosen = [model for model in view.models if model.name == only]
        if not chosen:
            names = ", ".join(model.name for model in view.models)
            raise RunError(f"--model {only}: no such tuned model in {run}; it has {names}")
        view = replace(view, models=chosen)
    return put(Path(out), card(view).encode("utf-8", "replace"), "card.md")


def card(run: RunView) -> str:
    """The card's text; whatever names and paths hold, it is shown as text."""
    parts = [f"---\n{_metadata(run)}\n---", *_head(run)]
    for model in run.models:
        parts += _model(run, model)
    return "\n\n".join([*parts, *_reproduce(run)]) + "\n"


def _metadata(run: RunView) -> str:
    """The front matter's YAML, by the hub's own client."""
    from huggingface_hub.repocard_data import CardData, eval_results_to_model_index

    kinds = {"adapter" if any(c.check == LANDED for c in model.validity) else "finetune" for model in run.models}
    index = [
        entry for m in run.models for entry in eval_results_to_model_index(one_line(m.name), list(_results(run, m)))
    ]
    held: dict[str, Any] = {
        "base_model": one_line(run.run.get("base_hub_id") or run.base),
        "base_model_relation": kinds.pop() if len(kinds) == 1 else None,
        "tags": ["knowshift", one_line(run.domain)],
        "model-index": index,
    }
    return str(CardData(**held).to_yaml())


def _results(run: RunView, model: ModelView) -> Iterable[EvalResult]:
    """One result a metric that could be estimated, all on the run's domain."""
    from huggingface_hub import EvalResult

    domain = one_line(run.domain)
    own = model.ledger.groups.get("own") or {}
    learned = (
        Number(own["learned"] / own["unknown"], unit="share", n=own["unknown"]) if own.get("unknown") else Number()
    )
    metrics = {
        "specific_knowledge": ("Specific knowledge", model.specific_knowledge),
        "matched_domain_shift": ("Matched domain shift", model.shift.matched),
        "facts_learned": ("Own facts learned, of those the base did not know", learned),
    }
    for kind, (name, number) in metrics.items():
        if number.estimate is not None:
            ends = {"low": number.low, "high": number.high}
            args: dict[str, Any] = {"unit": one_line(number.unit), "n": number.n or None}
            args |= {end: None if held is None else round(held, 6) for end, held in ends.items()}
            yield EvalResult(
                task_type="text-generation",
                dataset_type=domain,
                dataset_name=f"{domain} (domain of knowshift)",
                dataset_config=one_line(model.own) if model.own else None,
                dataset_revision=one_line((run.run.get("hashes") or {}).get("domain") or "") or None,
                metric_type=kind,
                metric_value=round(number.estimate, 6),
                metric_name=name,
                metric_args={key: held for key, held in args.items() if held is not None},
            )


def _head(run: RunView) -> list[str]:
    """Title, what was compared, and a row a model."""
    version = (run.run.get("versions") or {}).get("knowshift") or ""
    rows = [
        [
            text(model.name),
            text(run.specialty(model.own)),
            text(model.verdict),
            _value(model.specific_knowledge),
            _value(model.shift.matched),
            f"{_share(model, 'own', 'learned', 'unknown')} / {_share(model, 'other', 'learned', 'unknown')}",
        ]
        for model in run.models
    ]
    head = ["model", "own specialty", "verdict", "specific knowledge", "domain shift, matched", "learned, own / other"]
    return [
        "# Knowledge or domain shift?",
        f"What fine-tuning changed beside the base **{text(run.base)}** on the domain **{text(run.domain)}**: did it "
        "inject knowledge, or only shift the domain? Measured by knowshift "
        f"{text(version)}; gains in {text(run.unit)}, with 95% intervals.",
        _table(head, rows),
    ]


def _model(run: RunView, model: ModelView) -> list[str]:
    lines = [
        ("Knowledge", _finding(model.knowledge)),
        ("Domain shift", _finding(model.shift)),
        ("Specific knowledge", _value(model.specific_knowledge, wide=True)),
        ("Facts learned, of those the base did not know", _beside(model, "learned", "unknown", model.ledger.p_learned)),
        ("Facts lost, of those it knew", _beside(model, "lost", "known", model.ledger.p_lost)),
        ("Transferable", _value(model.transferable)),
        ("How often such a verdict is wrong", text(model.calibration) or "not measured for this version"),
        *(("Missing", text(line)) for line in model.missing),
    ]
    rungs = [[RUNG_TITLES[key], _value(model.rungs[key])] for key in RUNGS]
    failed = [check for check in model.validity if not check.passed]
    checks = [
        [
            text(one.check),
            text(_shown(one.value)),
            text(_shown(one.tolerance)),
            "passed" if one.passed else "**failed**",
        ]
        for one in model.validity
    ]
    return [
        f"## {text(model.name)}",
        f"**{text(model.verdict)}**: {text(model.sentence)}",
        "\n".join(f"- **{name}**: {shown}" for name, shown in lines),
        "### Ladder, from facts",
        _table(["rung", text(run.unit)], rungs),
        f"### Validity: {len(model.validity) - len(failed)} of {len(model.validity)} checks passed",
        _table(["check", "value", "tolerance", ""], checks),
    ]


def _reproduce(run: RunView) -> list[str]:
    made = run.run
    hashes = dict(flat(made.get("hashes") or {}))
    versions = ", ".join(f"{name} {version}" for name, version in (made.get("versions") or {}).items())
    settings = ", ".join(
        f"{key} {made[key]}" for key in ("seed", "dtype", "device", "template", "engine") if key in made
    )
    return [
        "## How to reproduce",
        _code(str(made.get("command") or "command not recorded")),
        f"Settings: {text(settings)}. Versions: {text(versions)}.",
        _table(["content", "SHA-256"], [[text(name), text(held)] for name, held in hashes.items()]),
        "The same command on the same contents with the same versions and seed gives the same numbers.",
    ]


def one_line(words: object) -> str:
    """Text without what a reader cannot see: white space of any kind is a space, control characters are `�`."""
    return "".join(c if c.isprintable() else "�" for c in " ".join(str(words).split()))


def text(words: object) -> str:
    """Text that Markdown shows as it is within a line or a table's cell; not at a line's beginning."""
    line = one_line(words).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # A colon or `www.` before more letters would become a link by itself.
    return re.sub(r"[\\`*_\[\]|~$@]|:(?=\S)|(?<=www)\.", r"\\\g<0>", line, flags=re.I)


def _code(command: str) -> str:
    """A code block whose fence is longer than any run of backticks inside."""
    inside = one_line(command)
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", inside)), default=0))
    return f"{fence}\n{inside}\n{fence}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _value(number: Number, *, wide: bool = False) -> str:
    if number.estimate is None:
        return text(f"not estimated: {number.why}")
    rest = [number.unit, f"n = {number.n}" if number.n else "", p_value(number.p), number.method] if wide else []
    return "; ".join([f"{signed(number.estimate)} {interval(number)}", *map(text, filter(None, rest))])


def _finding(found: Finding) -> str:
    return text(f"{ANSWERS.get(found.state, found.state)} ({found.why})" if found.why else found.state)


def _share(model: ModelView, group: str, part: str, of: str) -> str:
    counts = model.ledger.groups.get(group) or {}
    return f"{counts[part]} of {counts[of]}" if part in counts and of in counts else "–"


def _beside(model: ModelView, part: str, of: str, p: float | None) -> str:
    own, other = (_share(model, group, part, of) for group in ("own", "other"))
    return f"{own} own, beside {other} other" + (f"; {p_value(p)}" if p is not None else "")


def _shown(value: object) -> str:
    return "–" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
