"""Any task of lm-evaluation-harness by name (or a YAML file), run as the harness defines it; read by `forgetting`.

Documents that are longer than the context are found and left out beforehand, as in our own asks; each document's
metrics are kept, so that models are compared question by question here too. Of a text's perplexities, bits per byte (or
word) are kept; metrics that are no number for a single document (F1 over a set) are not.

The harness draws a document's shots from one stream of random numbers, so that they hang on what was asked before; here
they hang on the document alone, and every model reads the same.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import math
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ...errors import UsageError, first_line
from ...fingerprint import code_fingerprint
from ...progress import Progress
from ..runs.cache import score_key
from ..runs.execution import SERIAL, Executor
from ..runs.naming import file_of
from . import answers
from .language_model import language_model, quiet
from .opening import lazy_model
from .prompting import PromptingConfig
from .runner import LeftOut, distinct_prompt_formats, samples
from .values import LOWER, Value

if TYPE_CHECKING:
    from lm_eval.api.model import LM
    from lm_eval.api.task import Task
    from lm_eval.tasks import TaskManager

    from ...models.checkpoint import Checkpoint


def load_tasks(names: Sequence[str]) -> dict[str, Task]:
    """The harness's tasks by name; a group's members one by one. Raises `UsageError`."""
    with quiet():
        manager = _manager(defaults=not all(Path(name).is_file() for name in names))
        found: dict[str, Task] = {}
        for name in names:
            try:
                held: Any = manager.load([name])["tasks"]
            except KeyError as error:
                raise UsageError(f"--task {name}: lm-evaluation-harness has no task of that name") from error
            except Exception as error:  # its data are fetched by libraries that raise errors of their own
                raise UsageError(
                    f"--task {name}: cannot be loaded ({first_line(error)}); its data must be on this machine"
                ) from error
            found.update(held)
    for task in found.values():
        if task.get_config("num_fewshot") is None:
            task.set_config("num_fewshot", 0)
        _steady(task)
        # The harness's totals over a shard are not read, and some cannot be made of few documents.
        task.aggregation = lambda: defaultdict(lambda: len)
    return found


@cache
def _manager(*, defaults: bool) -> TaskManager:
    """With `defaults` the harness's thousands of tasks are indexed, which takes seconds; a file needs none of them."""
    from lm_eval.tasks import TaskManager

    return TaskManager(include_defaults=defaults)


def _steady(task: Any) -> None:
    """A document's shots are drawn by the document."""
    own = task.fewshot_context

    def context(doc: Any, *given: Any, **how: Any) -> Any:
        task.set_fewshot_seed(int(_hash(doc)[:8], 16))
        return own(doc, *given, **how)

    task.fewshot_context = context


def _hash(thing: Any) -> str:
    return hashlib.sha256(json.dumps(thing, sort_keys=True, default=str).encode()).hexdigest()


def harness_values(
    tasks: Mapping[str, Task],
    models: Mapping[str, Checkpoint],
    asking: PromptingConfig,
    run: Path,
    kept: Mapping[str, Sequence[int]],
    progress: Progress | None = None,
    executor: Executor = SERIAL,
) -> dict[str, list[Value]]:
    """By model, each document's value on each metric; of each task the documents `kept` (see `fitting`)."""
    out: dict[str, list[Value]] = {}
    for model, checkpoint in models.items():
        out[model] = []
        folder = run / "scores" / file_of(model)
        with lazy_model(checkpoint, asking) as lm:
            for name, task in tasks.items():
                path, stage = folder / f"task-{file_of(name)}.parquet", f"{checkpoint.name} {name}"
                key = _key(name, task, checkpoint, asking, kept[name])
                ask = partial(_asked, name, task, lm, asking, kept[name])
                table = answers.collect(path, key, len(kept[name]), ask, progress, stage, executor)
                if table is not None:
                    out[model] += _values(name, table, task.higher_is_better())
    return out


def task_label(name: str) -> str:
    """Return the label of one of the harness's own tasks among ours."""
    return f"task.{name}"


def fitting(
    tasks: Mapping[str, Task],
    models: Mapping[str, Checkpoint],
    asking: PromptingConfig,
    limit: int | None,
    out: LeftOut,
) -> dict[str, list[int]]:
    """By task, indices of the documents whose every request fits into the context of every model; the rest to `out`.

    Raises `UsageError` where none does.
    """
    return {name: _fitting(name, task, models, asking, limit, out) for name, task in tasks.items()}


def _fitting(
    name: str, task: Any, models: Mapping[str, Checkpoint], asking: PromptingConfig, limit: int | None, out: LeftOut
) -> list[int]:
    count = len(task.eval_docs)
    asked = count if limit is None else min(limit, count)
    why = f"longer than the context of {asking.context:,} tokens"
    left = set(range(asked))
    for checkpoint in distinct_prompt_formats(models.values(), asking):
        lm: Any = language_model(checkpoint, asking.context)
        with quiet():
            task.build_all_requests(
                limit=asked,
                apply_chat_template=asking.chat,
                fewshot_as_multiturn=asking.chat,
                chat_template=lm.apply_chat_template if asking.chat else None,
            )
            for instance in task.instances:
                if not _fits(lm, instance, asking.context):
                    left.discard(instance.doc_id)
                    out.add(task_label(name), f"{name}-{instance.doc_id}", why)
    if not left:
        raise UsageError(f"--task {name}: every document is {why}")
    return sorted(left)


def _fits(lm: Any, instance: Any, context: int) -> bool:
    if instance.request_type == "loglikelihood_rolling":
        return True
    tokens = len(lm.tok_encode(instance.args[0])) if instance.args[0] else 1
    if instance.request_type == "generate_until":
        room = instance.args[1].get("max_gen_toks", lm.max_gen_toks)
        return tokens + int(room) <= context
    return tokens + len(lm.tok_encode(instance.args[1], add_special_tokens=False)) <= context


def _key(name: str, task: Any, checkpoint: Checkpoint, asking: PromptingConfig, kept: Sequence[int]) -> str:
    """SHA-256 (hex) of all that the answers depend on."""
    shots = list(task.fewshot_docs() or []) if task.get_config("num_fewshot") else []
    return score_key(
        {
            "task": name,
            "config": json.dumps(_told(task.dump_config()), sort_keys=True),
            # A local file may change under the same name.
            "docs": [[index, _hash(task.eval_docs[index])] for index in kept],
            "shots": _hash(shots),
            "weights": checkpoint.content_key,
            **asking.reader(checkpoint),
            "task_code": code_fingerprint(alone=["probes.evaluate.harness"]),
        }
    )


def _told(thing: Any) -> Any:
    """A task's config as JSON that is the same in every process: functions by their source, objects by their class."""
    if isinstance(thing, Mapping):
        return {str(key): _told(value) for key, value in thing.items()}
    if isinstance(thing, list | tuple):
        return [_told(value) for value in thing]
    if isinstance(thing, partial):
        return [_told(thing.func), _told(thing.args), _told(thing.keywords)]
    if callable(thing):
        try:
            return inspect.getsource(thing)
        except (OSError, TypeError):
            return getattr(thing, "__qualname__", type(thing).__qualname__)
    return re.sub(r" at 0x[0-9a-f]+", "", str(thing))


def _asked(
    name: str, task: Any, lm: Callable[[], LM], asking: PromptingConfig, kept: Sequence[int], documents: range
) -> pa.Table:
    """One shard's answers."""
    noted = samples(name, task, lm(), asking, list(kept[documents.start : documents.stop]))
    rolling = task.OUTPUT_TYPE == "loglikelihood_rolling"
    return pa.Table.from_pylist(_rows(name, noted, rolling), schema=answers.SCHEMA)


def _rows(name: str, samples: Sequence[Mapping[str, Any]], rolling: bool) -> list[dict[str, Any]]:
    """A row a document: its metrics by filter, as JSON in the place of an answer."""
    rows: dict[str, dict[str, Any]] = {}
    metrics: dict[str, dict[str, Any]] = {}
    for sample in samples:  # a document stands once for each of the task's filters
        id = f"{name}-{sample['doc_id']}"
        rows[id] = {"id": id, "question": id, "logprobs": [], "prompt": sample["prompt_hash"]}
        metrics.setdefault(id, {})[sample["filter"]] = _bits(sample) if rolling else _numbers(sample)
    if not any(held for each in metrics.values() for held in each.values()):
        found = ", ".join(dict.fromkeys(metric for sample in samples for metric in sample["metrics"])) or "none"
        raise UsageError(
            f"--task {name}: its metrics ({found}) are no numbers for a single document; give another task"
        )
    return [{**row, "answer": json.dumps(metrics[id])} for id, row in rows.items()]


def _numbers(sample: Mapping[str, Any]) -> dict[str, list[float]]:
    """Metrics with their weights, of a document that is asked something."""
    return {
        metric: [float(sample[metric]), 1.0]
        for metric in sample["metrics"]
        if isinstance(sample[metric], int | float | bool) or getattr(sample[metric], "shape", None) == ()
    }


def _bits(sample: Mapping[str, Any]) -> dict[str, list[float]]:
    """Of a text: the harness gives log-likelihood (nats) and length, for perplexities over all texts."""
    for unit, names in (("byte", ("bits_per_byte", "byte_perplexity")), ("word", ("word_perplexity",))):
        for name in names:
            if name in sample["metrics"]:
                logprob, length = sample[name]
                return {f"bits per {unit}": [-float(logprob) / math.log(2) / length, float(length)]} if length else {}
    return _numbers(sample)


def _values(name: str, table: pa.Table, higher: Mapping[str, bool]) -> list[Value]:
    """Of several filters (ways to read a written answer), each has a metric of its own."""
    out = []
    for row in table.to_pylist():
        filters = json.loads(row["answer"])
        for filter, metrics in filters.items():
            for metric, (value, weight) in metrics.items():
                said = metric if len(filters) == 1 else f"{metric}, {filter}"
                said += "" if higher.get(metric, True) else LOWER
                out.append(Value(task_label(name), said, row["question"], value, weight=weight))
    return out
