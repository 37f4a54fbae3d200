"""Any task of lm-evaluation-harness by name (or a YAML file), run as the harness defines it; read by `forgetting`.

Documents that are longer than the context are found and left out beforehand, as in our own asks; each document's
metrics are kept, so that models are compared question by question here too. Metrics that are no number for a single
document (perplexities, F1 over a set) are not.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ...errors import UsageError, first_line
from ..cache import score_key
from ..run import Progress
from ..settings import file_of
from . import answers
from .language_model import language_model, quiet, version
from .runner import SHARD, Asking
from .values import LOWER, Value

if TYPE_CHECKING:
    from lm_eval.api.task import Task

    from ...models.checkpoint import Checkpoint


def load_tasks(names: Sequence[str]) -> dict[str, Task]:
    """The harness's tasks by name; a group's members one by one. Raises `UsageError`."""
    from lm_eval.tasks import TaskManager

    with quiet():
        # A file needs no index of the harness's thousands of tasks, which takes seconds.
        manager = TaskManager(include_defaults=not all(Path(name).is_file() for name in names))
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
        task.set_fewshot_seed(0)
    return found


def harness_values(
    tasks: Mapping[str, Task], models: Mapping[str, Checkpoint], asking: Asking, run: Path, limit: int | None,
    progress: Progress | None = None,
) -> dict[str, list[Value]]:  # fmt: skip
    """By model, each document's value on each metric; left out for all what is too long for one."""
    kept = {name: _fitting(task, models, asking, limit) for name, task in tasks.items()}
    out: dict[str, list[Value]] = {}
    for model, checkpoint in models.items():
        out[model] = []
        with checkpoint.active():
            lm = language_model(checkpoint, asking.context, asking.batch_size)
            for name, task in tasks.items():
                table = _run(name, task, lm, checkpoint, asking, kept[name], run / "scores" / file_of(model))
                if progress:
                    progress(f"{checkpoint.name} {name}", table.num_rows, table.num_rows)
                out[model] += _values(name, table, task.higher_is_better())
    return out


def _fitting(task: Any, models: Mapping[str, Checkpoint], asking: Asking, limit: int | None) -> list[int]:
    """Indices of the documents whose every request fits into the context of every model."""
    count = len(task.eval_docs)
    left = set(range(count if limit is None else min(limit, count)))
    for checkpoint in {each.tokenizer_hash: each for each in models.values()}.values():
        lm: Any = language_model(checkpoint, asking.context)
        with quiet():
            task.build_all_requests(
                limit=len(left) or None,
                apply_chat_template=asking.chat,
                fewshot_as_multiturn=asking.chat,
                chat_template=lm.apply_chat_template if asking.chat else None,
            )
            for instance in task.instances:
                if not _fits(lm, instance, asking.context):
                    left.discard(instance.doc_id)
    if not left:
        name = task.task_name
        raise UsageError(f"--task {name}: every document is longer than the context of {asking.context:,} tokens")
    return sorted(left)


def _fits(lm: Any, instance: Any, context: int) -> bool:
    if instance.request_type == "loglikelihood_rolling":
        return True
    tokens = len(lm.tok_encode(instance.args[0])) if instance.args[0] else 1
    if instance.request_type == "generate_until":
        room = instance.args[1].get("max_gen_toks", lm.max_gen_toks)
        return tokens + int(room) <= context
    return tokens + len(lm.tok_encode(instance.args[1], add_special_tokens=False)) <= context


def _run(
    name: str, task: Any, lm: Any, checkpoint: Checkpoint, asking: Asking, kept: Sequence[int], folder: Path
) -> pa.Table:
    from lm_eval.evaluator import evaluate

    config = json.dumps({k: str(v) for k, v in task.dump_config().items()}, sort_keys=True)
    key = score_key(
        {
            "task": name,
            "config": config,
            "weights": checkpoint.content_key,
            "dtype": str(checkpoint.dtype),
            "asking": [asking.context, asking.chat, asking.seed],
            "docs": list(kept),
            "harness": version(),
        }
    )
    path = folder / f"task-{file_of(name)}.parquet"
    if (table := answers.read(path, key)) is not None:
        return table
    shards = []
    for number, begin in enumerate(range(0, len(kept), SHARD)):
        part = folder / ".parts" / f"{path.stem}-{key[:16]}" / f"{number:05d}.parquet"
        shard = answers.read(part, key)
        if shard is None:
            with quiet():
                found: Any = evaluate(
                    lm=lm, task_dict={"tasks": {name: task}, "groups": {}, "group_map": {}},
                    samples={name: list(kept[begin : begin + SHARD])}, bootstrap_iters=0, log_samples=True,
                    apply_chat_template=asking.chat, fewshot_as_multiturn=asking.chat,
                )  # fmt: skip
            shard = pa.Table.from_pylist([_row(name, each) for each in found["samples"][name]], schema=answers.SCHEMA)
            answers.write(shard, part, key)
        shards.append(shard)
    table = pa.concat_tables(shards)
    answers.write(table, path, key)
    answers.drop(folder / ".parts" / f"{path.stem}-{key[:16]}")
    return table


def _row(name: str, sample: Mapping[str, Any]) -> dict[str, Any]:
    """A document's metrics, as JSON in the place of an answer."""
    metrics = {
        metric: float(sample[metric])
        for metric in sample["metrics"]
        if isinstance(sample[metric], int | float | bool) or getattr(sample[metric], "shape", None) == ()
    }
    id = f"{name}-{sample['doc_id']}"
    return {"id": id, "question": id, "logprobs": [], "answer": json.dumps(metrics), "prompt": sample["prompt_hash"]}


def _values(name: str, table: pa.Table, higher: Mapping[str, bool]) -> list[Value]:
    return [
        Value(f"task.{name}", metric if higher.get(metric, True) else f"{metric}{LOWER}", row["question"], value)
        for row in table.to_pylist()
        for metric, value in json.loads(row["answer"]).items()
    ]
