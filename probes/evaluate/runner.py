"""Put prompt tasks to our checkpoints through lm-evaluation-harness and collect the answers.

The harness builds the prompts (shots, chat template), batches and pads, reads log-probabilities and generates; we give
it the model that `models.checkpoint` loaded, so that whatever `probe compare` can open can be asked.

A prompt longer than the context the harness cuts from the left without a word; such questions are found, counted and
left out beforehand.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ...errors import UsageError, first_line
from ...progress import Progress
from ..runs.execution import SERIAL, Executor
from . import answers
from .language_model import language_model, quiet, takes_system
from .opening import lazy_model
from .prompt_task import Doc, PromptTask
from .prompting import PromptingConfig

if TYPE_CHECKING:
    from lm_eval.api.model import LM
    from lm_eval.api.task import ConfigurableTask, Task

    from ...models.checkpoint import Checkpoint


@dataclass
class LeftOut:
    """Questions that are not asked, of any model: by ask, question → why."""

    why: dict[str, dict[str, str]] = field(default_factory=dict)

    def add(self, ask: str, question: str, why: str) -> None:
        self.why.setdefault(ask, {}).setdefault(question, why)

    def trimmed(self, ask: PromptTask) -> PromptTask:
        """`ask` without them."""
        out = self.why.get(ask.name, {})
        return replace(ask, docs=tuple(doc for doc in ask.docs if doc["question"] not in out))


def left_out(asks: Sequence[PromptTask], checkpoints: Iterable[Checkpoint], asking: PromptingConfig) -> LeftOut:
    """What is too long for some model: left out for all, so that they answer the same questions."""
    found = LeftOut()
    for checkpoint in distinct_prompt_formats(checkpoints, asking):
        lm = language_model(checkpoint, asking.context)
        _check_chat(lm, checkpoint, asking)
        for ask in asks:
            if ask.kind != "text" and ask.docs:  # texts are read in windows
                with quiet():
                    for doc, requests in _requests(ask, lm, asking):
                        if why := _misfit(lm, requests, ask, asking.context):
                            found.add(ask.name, doc["question"], why)
    return found


def distinct_prompt_formats(checkpoints: Iterable[Checkpoint], asking: PromptingConfig) -> list[Checkpoint]:
    """Return the first checkpoint of each distinct way to frame and cut prompts."""
    found: dict[tuple[str, str], Checkpoint] = {}
    for each in checkpoints:
        found.setdefault(asking.prompts(each), each)
    return list(found.values())


def system_notes(models: Mapping[str, Checkpoint], asking: PromptingConfig) -> list[str]:
    """Of the models' chat templates, those that take no system message, in one line."""
    refusing = [name for name, each in models.items() if asking.chat and not takes_system(each.tokenizer)]
    return (
        [
            f"{', '.join(refusing)}: the chat template takes no system message; instructions stand at the head of the "
            "user's first message"
        ]
        if refusing
        else []
    )


def run(
    asks: Sequence[PromptTask],
    checkpoint: Checkpoint,
    asking: PromptingConfig,
    folder: Path,
    progress: Progress | None = None,
    executor: Executor = SERIAL,
) -> dict[str, pa.Table]:
    """A checkpoint's answers to every ask, those kept in `folder` first; the weights are read only where some miss.

    Tables that another process assembles are missing.
    """
    tables = {}
    with lazy_model(checkpoint, asking) as lm:
        for ask in asks:
            key, stage = asking.key(ask, checkpoint), f"{checkpoint.name} {ask.name}"
            tables[ask.name] = ask_model(ask, lm, asking, folder, key, stage, progress, executor)
    return {name: table for name, table in tables.items() if table is not None}


def ask_model(
    ask: PromptTask,
    lm: Callable[[], LM],
    asking: PromptingConfig,
    folder: Path,
    key: str,
    stage: str = "",
    progress: Progress | None = None,
    executor: Executor = SERIAL,
) -> pa.Table | None:
    """The answers of any of the harness's models (called for where one is asked), as `answers.collect`."""

    def some(documents: range) -> pa.Table:
        return _asked(replace(ask, docs=ask.docs[documents.start : documents.stop]), lm(), asking)

    return answers.collect(folder / f"{ask.name}.parquet", key, len(ask.docs), some, progress, stage, executor)


def task_of(ask: PromptTask, chat: bool = False) -> ConfigurableTask:
    """The harness's task; `chat`: its prompts go into a chat template."""
    with quiet():
        from datasets import Dataset
        from jinja2 import Environment, StrictUndefined
        from lm_eval.api.task import ConfigurableTask

        # The harness would compile a template anew for every document.
        template = Environment(undefined=StrictUndefined, keep_trailing_newline=True).from_string(ask.prompt)
        config: dict[str, Any] = {
            "task": ask.name,
            "custom_dataset": lambda **_: {"test": Dataset.from_list(list(ask.docs))},
            "test_split": "test",
            # The harness puts nothing between this and the first prompt.
            "description": f"{ask.system}\n\n" if ask.system and not chat else ask.system,
            "doc_to_text": lambda doc: _filled(template, ask, doc),
            "doc_to_target": "text" if ask.kind == "text" else "target",
            "output_type": _OUTPUT[ask.kind],
            "num_fewshot": len(ask.shots),
            "fewshot_config": {"sampler": "first_n", "samples": list(ask.shots)},
            # Scores are ours, from the kept answers.
            "process_results": lambda doc, results: {},
            "metric_list": [],
        }
        if ask.kind == "choices":
            config["doc_to_choice"] = "choices"
            config["target_delimiter"] = ask.joiner
        if ask.kind == "answer":
            stop = {"until": list(ask.until), "max_gen_toks": ask.max_tokens, "do_sample": False}
            config["generation_kwargs"] = stop
        task = ConfigurableTask(config=config)
        task.set_fewshot_seed(0)
        return task


def _filled(template: Any, ask: PromptTask, doc: Doc) -> str:
    from jinja2 import TemplateError

    try:
        return str(template.render(**doc))
    except (TemplateError, TypeError) as error:
        fields = ", ".join(name for name in doc if name not in ("id", "question", "choices", "target"))
        why = first_line(error)
        raise UsageError(f"--prompts: {ask.name} cannot be filled in ({why}); its fields are {fields}") from error


_OUTPUT = {"choices": "multiple_choice", "answer": "generate_until", "text": "loglikelihood_rolling"}


def samples(
    name: str, task: Task, lm: LM, asking: PromptingConfig, only: list[int] | None = None
) -> list[dict[str, Any]]:
    """What the harness notes of each document of a task, or of these `only`."""
    with quiet():
        from lm_eval.evaluator import evaluate

        found: Any = evaluate(
            lm=lm,
            task_dict={"tasks": {name: task}, "groups": {}, "group_map": {}},
            samples=None if only is None else {name: only},
            bootstrap_iters=0,
            log_samples=True,
            apply_chat_template=asking.chat,
            fewshot_as_multiturn=asking.chat,
        )
    noted: list[dict[str, Any]] = found["samples"][name]
    return noted


def _asked(ask: PromptTask, lm: LM, asking: PromptingConfig) -> pa.Table:
    """One shard's answers."""
    noted = samples(ask.name, task_of(ask, asking.chat), lm, asking)
    rows = []
    for sample in sorted(noted, key=lambda sample: sample["doc_id"]):
        doc, said = ask.docs[sample["doc_id"]], [each[0] for each in sample["resps"]]
        rows.append(
            {
                "id": doc["id"],
                "question": doc["question"],
                "logprobs": [float(each[0] if isinstance(each, tuple | list) else each) for each in said]
                if ask.kind != "answer"
                else [],
                "answer": said[0] if ask.kind == "answer" else "",
                "prompt": hashlib.sha256(str(sample["arguments"][0][0]).encode()).hexdigest(),
            }
        )
    return pa.Table.from_pylist(rows, schema=answers.SCHEMA)


def _requests(ask: PromptTask, lm: LM, asking: PromptingConfig) -> Iterator[tuple[Doc, list[tuple[Any, ...]]]]:
    """Each document and the arguments of its requests, as the harness builds them."""
    for begin in range(0, len(ask.docs), answers.SHARD):
        task = task_of(replace(ask, docs=ask.docs[begin : begin + answers.SHARD]), asking.chat)
        task.build_all_requests(
            apply_chat_template=asking.chat,
            fewshot_as_multiturn=asking.chat,
            chat_template=lm.apply_chat_template if asking.chat else None,
        )
        held: dict[int, list[tuple[Any, ...]]] = {}
        for instance in task.instances:
            held.setdefault(instance.doc_id or 0, []).append(instance.args)
        for index, requests in held.items():
            yield ask.docs[begin + index], requests


def _misfit(lm: Any, requests: list[tuple[Any, ...]], ask: PromptTask, context: int) -> str:
    """Why these requests cannot be made whole; empty where they can."""
    if ask.kind == "answer":
        tokens = len(lm.tok_encode(requests[0][0])) + ask.max_tokens
        return f"longer than the context of {context:,} tokens" if tokens > context else ""
    for prompt, continuation in requests:
        before, after = lm._encode_pair(prompt, continuation)
        if not after:
            return "an option that melts into the prompt's last token"
        if len(before) + len(after) > context:
            return f"longer than the context of {context:,} tokens"
    return ""


def _check_chat(lm: Any, checkpoint: Checkpoint, asking: PromptingConfig) -> None:
    if not asking.chat:
        return
    if not getattr(lm.tokenizer, "chat_template", None):
        raise UsageError(f"--template chat: {checkpoint.name}'s tokenizer has no chat template; give --template none")
    from jinja2 import TemplateError

    try:
        lm.tokenizer.apply_chat_template([{"role": "user", "content": "Why"}], tokenize=False)
    except TemplateError as error:
        why = first_line(error)
        raise UsageError(
            f"--template chat: {checkpoint.name}'s chat template cannot be used ({why}); give --template none"
        ) from error
