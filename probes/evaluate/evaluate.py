"""The evaluation: from models and a suite to a finished run directory.

run.json          identity, command, versions, seed, context, template
scores/<model>/   what the model answered, a table an ask (`answers`)
values.parquet    a row a model, task, metric and question
evaluation.json   what `--json` prints

An interrupted evaluation goes on where it stopped.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ... import versions
from ...errors import RunError, UsageError
from ...terms.domain import Domain
from ..runs.directory import Progress, RunDirectory, command, write_frame, write_json, writing
from ..runs.naming import default_out, file_of, names_of, told_specialties
from . import language_model, on_vllm, runner
from .choices import PREMISE
from .harness import fitting, harness_values, load_tasks, task_label
from .processes import Processes
from .prompt_task import PromptTask, check_folder, require_unique_names
from .prompting import PromptingConfig, version
from .settings import ENGINES, Settings, pairs_of, settings_from
from .suites import Suite, open_suite
from .values import Difference, Value, by_key, corrected, differences, labels_of, means, outcomes

if TYPE_CHECKING:
    from ...models.checkpoint import Checkpoint

SCHEMA_VERSION = 1
RESULT = "evaluation.json"
"""What an evaluation's folder holds once it is finished."""
TIE_RULE = (
    "tie: the 95 % interval of the difference holds zero; a question is tied where both values are equal; unknown: all "
    "differ alike, and they are too few for an exact test"
)


@dataclass(frozen=True)
class Evaluation:
    """A finished evaluation; `data` is `evaluation.json`."""

    run: Path
    data: dict[str, Any]

    @classmethod
    def open(cls, run: str | Path) -> Evaluation:
        """Raises `RunError` where `run` holds no finished evaluation."""
        found = cls.found(Path(run))
        if found is None:
            file = Path(run) / RESULT
            raise RunError(f"{file}: no finished evaluation; run the same probe evaluate again")
        return found

    @classmethod
    def found(cls, run: Path) -> Evaluation | None:
        """None where `run` holds no finished evaluation."""
        try:
            return cls(run, json.loads((run / RESULT).read_text(encoding="utf-8")))
        except (OSError, ValueError):
            return None


def evaluate(
    base: str | Path,
    tuned: Sequence[str | Path] | str | Path,
    *,
    progress: Progress | None = None,
    note: Callable[[str], None] | None = None,
    comparison: Mapping[str, Any] | None = None,
    check: Callable[[Mapping[str, str]], None] | None = None,
    **options: Any,
) -> Evaluation:
    """Asks a base and its tuned models the questions of a suite and leaves a run directory.

    Options are the fields of `Settings` by name. `comparison` is a `comparison.json` of the same models, beside which
    the answers are laid; `check` is given the models' content keys by name, and may refuse them. Raises
    `KnowshiftError` for whatever a user can cause. Of a launcher's processes the first makes the evaluation; the others
    get what stands in the folder when they have asked their share.
    """
    language_model.require()
    say = note or (lambda line: None)
    settings, here = settings_from(options), Processes.here()
    if settings.engine == "vllm":
        on_vllm.require()
    if here.count > 1 and settings.engine == "vllm":
        raise UsageError("--engine vllm: runs in one process; drop the launcher, or give --engine transformers")
    if here.count > 1 and settings.out is None:
        raise UsageError("--out: name the run's folder, which the processes of a launcher share")
    settings = replace(settings, device=here.device(settings.device, settings.device_map))
    check_folder(settings.prompts)
    specs = [str(tuned)] if isinstance(tuned, str | Path) else [str(spec) for spec in tuned]
    names = names_of(specs)
    domain = Domain.open(settings.domain)
    told = told_specialties(names, settings.own, domain)
    own = {name: specialty for name, (specialty, _) in told.items() if specialty}
    models = _find(str(base), specs, names, settings)
    root = next(iter(models))
    if check is not None:
        check({name: checkpoint.content_key for name, checkpoint in models.items()})
    pairs = pairs_of(root, names, settings.pair)
    asking = _asking(settings, models)
    suite = open_suite(replace(settings, context=asking.context), domain, own)
    suite.asks = [_short(ask, asking.context) for ask in suite.asks]
    require_unique_names(suite.asks)
    tasks = load_tasks(suite.harness) if suite.harness else {}
    out = runner.left_out(suite.asks, models.values(), asking)
    if any(ask.system for ask in suite.asks) or any(task.get_config("description") for task in tasks.values()):
        suite.notes = [*suite.notes, *runner.system_notes(models, asking)]
    for line in [*suite.faults.lines(), *(each.line() for each in suite.not_run), *suite.notes]:
        say(line)
    asks = [out.trimmed(ask) for ask in suite.asks]
    kept = fitting(tasks, models, asking, settings.limit, out)
    for name, lost in out.why.items():
        for why, held in _counted(lost).items():
            say(f"{name}: {held['n']} questions left out ({why}; first: {held['first']})")
    # A premise holds no question.
    if suite.asks and not any(ask.docs for ask in asks if not ask.name.endswith(PREMISE)):
        why = next(iter(next(iter(out.why.values())).values()))
        raise UsageError(f"--suite {suite.name}: every question is left out ({why}); raise --context, or give others")
    run = _claim(settings, suite, models, pairs, asking, here)
    with writing(run):
        answers = _answers(asks, models, asking, run, progress, here)
        extra = harness_values(tasks, models, asking, run.path, kept, progress, here) if suite.harness else {}
        if not here.first:  # the first puts all together
            return here.wait(lambda: Evaluation.found(run.path), run.path / RESULT)
        values = {model: [*suite.values(held), *extra.get(model, [])] for model, held in answers.items()}
        data = conclude(suite.name, values, pairs, settings.seed)
        data |= {
            "base": root,
            "models": list(models)[1:],
            "run": str(run.path),
            "domain": domain.name,
            "specialties": {each.id: each.name for each in domain.specialties.values()},
            "context": asking.context,
            "template": settings.template,
            "methods": list(settings.methods),
            "options": {
                "quorum": settings.quorum,
                "alpha": settings.alpha,
                "limit": settings.limit,
                "specialties": ", ".join(settings.specialties) or None,
                "bertscore": _named(settings.bertscore),
                "vocabulary": _named(settings.vocabulary),
                "icd10": _named(settings.icd10),
                "prompts": _named(settings.prompts),
            },
            "counts": {
                name: {"asked": asked, "left_out": len(out.why.get(name, {}))}
                for name, asked in [
                    *((ask.name, len(ask.questions)) for ask in asks),
                    *((task_label(name), len(held)) for name, held in kept.items()),
                ]
            },
            "left_out": {name: _counted(why) for name, why in out.why.items()},
            "faults": suite.faults.json(),
            "not_run": [{"task": each.task, "why": each.why, "where": each.where} for each in suite.not_run],
            "notes": suite.notes,
            "more": suite.more(answers, values),
        }
        if comparison is not None:
            from .gain_correlation import correlate_gains

            data["beside"] = correlate_gains(data, comparison)
        _write(run.path, values, data)
    return Evaluation(run.path, data)


def conclude(
    suite: str, values: Mapping[str, Sequence[Value]], pairs: Sequence[tuple[str, str]], seed: int
) -> dict[str, Any]:
    """Means of every model and differences of every pair, from values by model."""
    keyed = {model: by_key(each) for model, each in values.items()}
    labels = labels_of(values)
    scores = [
        {"model": model, "task": task, "metric": metric, "label": label, "estimate": estimate.json()}
        for model, each in keyed.items()
        for (task, metric), held in each.items()
        for label, estimate in means(held, labels, seed).items()
    ]
    found: list[Difference] = []
    for tuned, base in pairs:
        for key in [key for key in keyed[tuned] if key in keyed[base]]:
            found += differences((tuned, keyed[tuned][key]), (base, keyed[base][key]), labels, seed)
    return {
        "schema": SCHEMA_VERSION,
        "suite": suite,
        "seed": seed,
        "scores": scores,
        "pairs": [each.json() for each in corrected(found)],
        "outcomes": outcomes(found),
        "tie_rule": TIE_RULE,
    }


def _find(base: str, specs: Sequence[str], names: Sequence[str], settings: Settings) -> dict[str, Checkpoint]:
    """The models by name, the base first; no weights are read."""
    from ...models.checkpoint import Checkpoint

    root = Checkpoint.find(base, config=settings.config, **settings.loading)
    found = {
        name: Checkpoint.find(spec, base=root, **settings.loading) for name, spec in zip(names, specs, strict=True)
    }
    name = root.name if root.name not in found else f"{root.name} (base)"
    return {name: root, **found}


def _asking(settings: Settings, models: Mapping[str, Checkpoint]) -> PromptingConfig:
    smallest = min(checkpoint.anatomy.context or 2048 for checkpoint in models.values())
    smallest -= on_vllm.SPARE if settings.engine == "vllm" else 0
    if settings.context is not None and settings.context > smallest:
        name = min(models, key=lambda each: models[each].anatomy.context or 2048)
        raise UsageError(f"--context {settings.context}: {name} reads {smallest} tokens at most; give that or less")
    chat = settings.template == "chat"
    return PromptingConfig(settings.context or smallest, chat, settings.batch_size, settings.seed, settings.engine)


def _short(ask: PromptTask, context: int) -> PromptTask:
    """An answer takes a quarter of the context at most: a small model must have room for the question."""
    return replace(ask, max_tokens=min(ask.max_tokens, context // 4))


def _claim(
    settings: Settings,
    suite: Suite,
    models: Mapping[str, Checkpoint],
    pairs: Sequence[tuple[str, str]],
    asking: PromptingConfig,
    here: Processes,
) -> RunDirectory:
    names = list(models)
    identity = {
        "suite": suite.name,
        "models": {name: checkpoint.content_key for name, checkpoint in models.items()},
        "asks": {ask.name: ask.digest for ask in suite.asks},
        "harness": list(suite.harness),
        "context": asking.context,
        "template": settings.template,
        "seed": settings.seed,
        "pairs": [list(pair) for pair in pairs],
    } | ({} if asking.engine == ENGINES[0] else {"engine": asking.engine})
    about = {
        "command": command(),
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "versions": versions.installed() | {"lm_eval": version()},
        "batch_size": asking.batch_size,
        "engine": asking.engine,
        "processes": here.count,
        "device": str(models[names[0]].placement.device),
        "dtype": str(models[names[0]].dtype),
    }
    stem = default_out(names[0], names[1:], suite.name)
    where = settings.out or RunDirectory.dated(stem, identity, RESULT)
    if here.first:
        return RunDirectory.claim(where, identity, about)
    return here.wait(lambda: RunDirectory.claimed(where, identity), where / "run.json")


def _answers(
    asks: Sequence[Any],
    models: Mapping[str, Checkpoint],
    asking: PromptingConfig,
    run: RunDirectory,
    progress: Progress | None,
    here: Processes,
) -> dict[str, dict[str, Any]]:
    """Every model's answers: adapters on their base, one after the other; then other models, one at a time."""
    names = list(models)
    root = models[names[0]]

    def of(name: str) -> dict[str, Any]:
        return runner.run(asks, models[name], asking, run.path / "scores" / file_of(name), progress, here)

    on_base = [name for name in names[1:] if models[name].base is root and models[name].kind == "adapter"]
    found = {}
    with root.active() if asking.engine == ENGINES[0] else nullcontext():
        for name in [names[0], *on_base]:
            found[name] = of(name)
    for name in names:
        if name not in found:
            found[name] = of(name)
    return {name: found[name] for name in names}


def _named(path: Path | None) -> str | None:
    return None if path is None else path.name


def _counted(why: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """By reason, how many questions and the first of them."""
    out: dict[str, dict[str, Any]] = {}
    for question, reason in why.items():
        out.setdefault(reason, {"n": 0, "first": question})["n"] += 1
    return out


def _write(path: Path, values: Mapping[str, Sequence[Value]], data: dict[str, Any]) -> None:
    import polars as pl

    rows = [
        {
            "model": model,
            "task": v.task,
            "metric": v.metric,
            "question": v.question,
            "value": v.value,
            "weight": v.weight,
            "labels": list(v.labels),
        }
        for model, each in values.items()
        for v in each
    ]
    schema: Any = {
        "model": pl.String,
        "task": pl.String,
        "metric": pl.String,
        "question": pl.String,
        "value": pl.Float64,
        "weight": pl.Float64,
        "labels": pl.List(pl.String),
    }
    write_frame(path / "values.parquet", pl.DataFrame(rows, schema=schema))
    write_json(path / RESULT, data)
