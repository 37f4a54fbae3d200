"""The evaluation: from models and a suite to a finished run directory.

run.json          identity, command, versions, seed, context, template
scores/<model>/   what the model answered, a table an ask (`answers`)
values.parquet    a row a model, task, metric and question
evaluation.json   what `--json` prints

An interrupted evaluation goes on where it stopped.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ... import versions
from ...errors import RunError, UsageError
from ...models.options import forms_of
from ...progress import Progress
from ...terms.domain import Domain
from ..results.evaluation import (
    EvaluationResult,
    LeftOutQuestions,
    ModelScore,
    PairDifference,
    PairOutcomes,
    QuestionCount,
)
from ..results.model import MatrixRow
from ..runs.directory import RunDirectory, command, write_frame, writing
from ..runs.execution import Executor
from ..runs.executors import choose_executor
from ..runs.naming import default_out, file_of, names_of, told_specialties
from ..runs.processes import Processes
from . import language_model, on_vllm, runner
from .choices import PREMISE
from .gain_correlation import correlate_gains
from .harness import fitting, harness_values, load_tasks, task_label
from .prompt_task import PromptTask, check_folder, require_unique_names
from .prompting import PromptingConfig, version
from .request import EvaluationRequest, read_request
from .settings import ENGINES, Settings, pairs_of
from .suite import SuitePlan
from .values import Difference, Value, by_key, corrected, differences, labels_of, means, outcomes

if TYPE_CHECKING:
    from ...models.checkpoint import Checkpoint

RESULT = EvaluationResult.FILE
"""What an evaluation's folder holds once it is finished."""
TIE_RULE = (
    "tie: the 95 % interval of the difference holds zero; a question is tied where both values are equal; unknown: all "
    "differ alike, and they are too few for an exact test"
)


@dataclass(frozen=True)
class Evaluation:
    """A finished evaluation and its run directory."""

    run: Path
    result: EvaluationResult

    @classmethod
    def open(cls, run: str | Path) -> Evaluation:
        """Open a finished evaluation. Raises `RunError` where `run` holds none, or one of another layout."""
        found = cls.found(Path(run))
        if found is None:
            file = Path(run) / RESULT
            raise RunError(f"{file}: no finished evaluation; run the same probe evaluate again")
        return found

    @classmethod
    def found(cls, run: Path) -> Evaluation | None:
        """Return None where `run` holds no finished evaluation. Raises `RunError` where its layout is another."""
        return cls(run, EvaluationResult.read(run)) if (run / RESULT).is_file() else None


def evaluate(
    base: str | Path,
    tuned: Sequence[str | Path] | str | Path,
    *,
    progress: Progress | None = None,
    note: Callable[[str], None] | None = None,
    gains: Mapping[str, Mapping[str, MatrixRow]] | None = None,
    check: Callable[[Mapping[str, str]], None] | None = None,
    **options: Any,
) -> Evaluation | None:
    """Ask a base and its tuned models the questions of a suite and leave a run directory.

    Of a launcher's processes the first makes the evaluation; the others return None once they have asked their share.

    Args:
        gains: A comparison's gains by model and specialty, to be correlated with the differences of accuracy.
        check: Is given the models' content keys by name, and may refuse them.
        options: The fields of `Settings` and of the suite's options, by name.

    Raises:
        KnowshiftError: Whatever a user can cause.
    """
    language_model.require()
    say = note or (lambda line: None)
    request, here = read_request(options), Processes.here()
    settings = request.settings
    if settings.engine == "vllm":
        on_vllm.require()
    request.check_data()
    if here.count > 1 and settings.engine == "vllm":
        raise UsageError("--engine vllm: runs in one process; drop the launcher, or give --engine transformers")
    here.require_folder(settings.out)
    settings = replace(settings, device=here.device(settings.device, settings.device_map))
    here.use_all_threads()
    check_folder(settings.prompts)
    specs = [str(tuned)] if isinstance(tuned, str | Path) else [str(spec) for spec in tuned]
    names = names_of(specs)
    domain = Domain.open(settings.domain)
    told = told_specialties(names, settings.own, domain)
    own = {name: specialty for name, (specialty, _) in told.items() if specialty}
    models = _find(str(base), specs, names, settings)
    root = next(iter(models))
    for name, checkpoint in models.items():
        for line in checkpoint.notes:
            say(f"{name}: {line}")
    if check is not None:
        check({name: checkpoint.content_key for name, checkpoint in models.items()})
    pairs = pairs_of(root, names, settings.pair)
    asking = _asking(settings, models)
    plan = request.plan(replace(settings, context=asking.context), domain, own)
    plan.asks = [_short(ask, asking.context) for ask in plan.asks]
    require_unique_names(plan.asks)
    tasks = load_tasks(plan.harness) if plan.harness else {}
    out = runner.left_out(plan.asks, models.values(), asking)
    if any(ask.system for ask in plan.asks) or any(task.get_config("description") for task in tasks.values()):
        plan.notes = [*plan.notes, *runner.system_notes(models, asking)]
    for line in [*plan.faults.lines(), *map(str, plan.not_run), *plan.notes]:
        say(line)
    asks = [out.trimmed(ask) for ask in plan.asks]
    kept = fitting(tasks, models, asking, settings.limit, out)
    for name, lost in out.why.items():
        for why, questions in _counted(lost).items():
            say(f"{name}: {questions.n} questions left out ({why}; first: {questions.first})")
    # A premise holds no question.
    if plan.asks and not any(ask.docs for ask in asks if not ask.name.endswith(PREMISE)):
        why = next(iter(next(iter(out.why.values())).values()))
        raise UsageError(
            f"--suite {request.suite.name}: every question is left out ({why}); raise --context, or give others"
        )
    run = _claim(request, plan, models, pairs, asking, here)
    with writing(run):
        executor = choose_executor(here)
        answers = _answers(asks, models, asking, run, progress, executor)
        extra = harness_values(tasks, models, asking, run.path, kept, progress, executor) if plan.harness else {}
        if not here.is_first:  # the first puts all together
            return None
        values = {model: [*plan.values(held), *extra.get(model, [])] for model, held in answers.items()}
        counts = {ask.name: len(ask.questions) for ask in asks}
        counts |= {task_label(name): len(documents) for name, documents in kept.items()}
        scores, pair_differences, pair_outcomes = score(values, pairs, settings.seed)
        result = EvaluationResult(
            schema=EvaluationResult.VERSION,
            suite=request.suite.name,
            seed=settings.seed,
            scores=scores,
            pairs=pair_differences,
            outcomes=pair_outcomes,
            tie_rule=TIE_RULE,
            base=root,
            models=tuple(models)[1:],
            run=str(run.path),
            domain=domain.name,
            specialties={each.id: each.name for each in domain.specialties.values()},
            context=asking.context,
            template=settings.template,
            methods=settings.methods,
            options=request.recorded_options(),
            counts={
                name: QuestionCount(asked=asked, left_out=len(out.why.get(name, {}))) for name, asked in counts.items()
            },
            left_out={name: _counted(why) for name, why in out.why.items()},
            faults=plan.faults.results(),
            not_run=tuple(plan.not_run),
            notes=tuple(plan.notes),
            more=plan.part(answers, values).model_dump(mode="json"),
            beside=None if gains is None else correlate_gains(root, pair_differences, gains),
        )
        _write(run.path, values, result)
    return Evaluation(run.path, result)


def score(
    values: Mapping[str, Sequence[Value]], pairs: Sequence[tuple[str, str]], seed: int
) -> tuple[tuple[ModelScore, ...], tuple[PairDifference, ...], tuple[PairOutcomes, ...]]:
    """Return the means of every model, and differences and outcomes of every pair, from values by model."""
    keyed = {model: by_key(each) for model, each in values.items()}
    labels = labels_of(values)
    scores = tuple(
        ModelScore(model=model, task=task, metric=metric, label=label, estimate=estimate)
        for model, each in keyed.items()
        for (task, metric), held in each.items()
        for label, estimate in means(held, labels, seed).items()
    )
    found: list[Difference] = []
    for tuned, base in pairs:
        for key in [key for key in keyed[tuned] if key in keyed[base]]:
            found += differences((tuned, keyed[tuned][key]), (base, keyed[base][key]), labels, seed)
    return scores, tuple(each.result() for each in corrected(found)), outcomes(found)


def _find(base: str, specs: Sequence[str], names: Sequence[str], settings: Settings) -> dict[str, Checkpoint]:
    """The models by name, the base first; no weights are read."""
    from ...models.checkpoint import Checkpoint

    forms = forms_of(settings.forms, names_of([base])[0], names)
    root = Checkpoint.find(base, config=settings.config, form=forms[""], **settings.loading)
    found = {
        name: Checkpoint.find(spec, base=root, form=forms[name], **settings.loading)
        for name, spec in zip(names, specs, strict=True)
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
    request: EvaluationRequest,
    plan: SuitePlan,
    models: Mapping[str, Checkpoint],
    pairs: Sequence[tuple[str, str]],
    asking: PromptingConfig,
    here: Processes,
) -> RunDirectory:
    names, settings = list(models), request.settings
    identity = {
        "suite": request.suite.name,
        "models": {name: checkpoint.content_key for name, checkpoint in models.items()},
        "asks": {ask.name: ask.digest for ask in plan.asks},
        "harness": list(plan.harness),
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
    stem = default_out(names[0], names[1:], request.suite.name)
    where = settings.out or RunDirectory.dated(stem, identity, RESULT)
    return RunDirectory.share(where, identity, about, here)


def _answers(
    asks: Sequence[PromptTask],
    models: Mapping[str, Checkpoint],
    asking: PromptingConfig,
    run: RunDirectory,
    progress: Progress | None,
    executor: Executor,
) -> dict[str, dict[str, Any]]:
    """Every model's answers: adapters on their base, one after the other; then other models, one at a time."""
    names = list(models)
    root = models[names[0]]

    def of(name: str) -> dict[str, Any]:
        return runner.run(asks, models[name], asking, run.path / "scores" / file_of(name), progress, executor)

    on_base = [name for name in names[1:] if models[name].base is root and models[name].kind == "adapter"]
    found = {}
    with root.active() if asking.engine == ENGINES[0] else nullcontext():
        for name in [names[0], *on_base]:
            found[name] = of(name)
    for name in names:
        if name not in found:
            found[name] = of(name)
    return {name: found[name] for name in names}


def _counted(why: Mapping[str, str]) -> dict[str, LeftOutQuestions]:
    """Return by reason how many questions there are, and the first of them."""
    questions: dict[str, list[str]] = {}
    for question, reason in why.items():
        questions.setdefault(reason, []).append(question)
    return {reason: LeftOutQuestions(n=len(each), first=each[0]) for reason, each in questions.items()}


def _write(path: Path, values: Mapping[str, Sequence[Value]], result: EvaluationResult) -> None:
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
    result.write(path)
