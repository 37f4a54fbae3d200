"""What a comparison could say with a domain: counts, usable facts for a tokenizer, odds for a base, problems.

Which facts a verdict counts is asked of the verdict's own code (`ladder.fact_gains`, `knowledge.centre`), with token
counts in place of scores; without a tokenizer every answer is taken for one token long, which is the most there can be.
Read by the command `probe domain check`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import ItemError, UsageError
from ...terms.domain import QUESTION, Domain, domain_folder
from ...terms.extraction.hierarchy import roots_of
from ...terms.items import Item
from ...terms.making.census import Census, census, census_problems, missing_parts
from ...terms.making.controls import control_problems
from ...terms.making.joining import joining_problems, unspaced_control_problems
from ...terms.making.leaks import Leaks, leak_problems, leaks
from ...terms.making.names import Names
from ...terms.making.problem import Problem, such
from ...terms.making.quality import Quality, quality_problems
from ...terms.select import add_borrowed_options, group, items
from ...terms.select import limit as limited
from ..analysis.centring import centre
from ..analysis.detectable import Errors, detectable
from ..analysis.ladder import DISTRACTORS, fact_gains, nanmean
from ..analysis.scores import Array, Pair, Scores, fact_scores, like_length
from ..analysis.verdict import (
    ABSENCE_LEVEL,
    KNOWLEDGE_LEVEL,
    OTHER_RELATIONS,
    OTHER_UNKNOWN,
    OWN_RELATIONS,
    OWN_UNKNOWN,
)
from ..results.findings import MARGIN

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from ...models.alignment import Target
    from ...models.checkpoint import Checkpoint

Progress = Callable[[str, int, int], None]
UNBOUNDED = 1 << 20
"""Context of a tokenizer without a model, tokens."""
SAMPLE = 40
"""Facts of each specialty, and of all others beside it, that a base is asked about."""
SURE = 0.9
"""Share of the probability of all candidates that a wrong one must have to be looked at again."""
INFORMED = 2
"""How many times more often than by chance a base must be right for that to say anything."""
SPREAD = "standard deviations"


@dataclass(frozen=True, slots=True)
class Limits:
    """One specialty before the verdict's limits."""

    usable: int
    """Facts and questions with enough distractors of like length, whatever else."""
    own: int
    """Concepts that the verdict would count as own."""
    other: int
    own_relations: int
    """Relations of these facts: whole relations are what the verdict's test permutes."""
    other_relations: int
    enough: bool
    """Whether a verdict is possible, if the base knows none of these facts."""
    effect: float | None
    """Smallest *acquired* that would be found, in standard deviations of the facts' scores
    (`probes.analysis.knowledge`), which only a tuned model shows; None where there is not enough."""


@dataclass(frozen=True, slots=True)
class Lengths:
    """Tokens of answers and distractors, over all wordings: least, median, most."""

    answers: tuple[int, float, int]
    distractors: tuple[int, float, int]
    alike: int
    """Facts and questions that keep `DISTRACTORS` distractors within one token of the answer."""
    facts: int


@dataclass(frozen=True, slots=True)
class Odds:
    """What a base gives the true answer among its candidates of like length, by whole targets."""

    base: str
    facts: int
    first: int
    """Facts whose true answer ranks first: what the base knows."""
    chance: float
    """Facts that would rank first by chance."""
    share: float
    """Mean share of the truth in the probability of all candidates."""


@dataclass
class Check:
    """Everything that `probe domain check` says."""

    name: str
    folder: str
    census: Census | None = None
    limits: dict[str, Limits] = field(default_factory=dict)
    facts: Quality | None = None
    questions: Quality | None = None
    leaks: Leaks | None = None
    tokenizer: str | None = None
    lengths: Lengths | None = None
    odds: Odds | None = None
    problems: list[Problem] = field(default_factory=list)

    @property
    def usable(self) -> bool:
        """Whether there is no fault; other problems only say what the numbers will not show."""
        return not any(problem.fault for problem in self.problems)

    def json(self) -> dict[str, Any]:
        return {**asdict(self), "usable": self.usable}


def check_domain(
    name_or_path: str, tokenizer: str | None = None, base: str | None = None, progress: Progress | None = None
) -> Check:
    """Looks at a domain from all sides. Raises DomainError where it cannot be read, CheckpointError for the models."""
    if tokenizer and base:
        raise UsageError(f"--tokenizer {tokenizer}: the base {base} brings its own; give one of the two")
    folder = domain_folder(name_or_path)
    if missing := missing_parts(folder):
        return Check(name_or_path, str(folder), problems=missing)
    domain = Domain.open(name_or_path)
    roots_of(folder, domain)
    names = Names(domain.concepts)
    counts, leaked = census(domain), leaks(domain)
    out = Check(
        domain.name,
        str(folder),
        counts,
        facts=Quality.of(domain.facts, names),
        questions=Quality.of(domain.questions, names),
        leaks=leaked,
        problems=[
            *census_problems(domain, counts),
            *quality_problems(domain, names),
            *joining_problems(domain),
            *unspaced_control_problems(domain),
            *control_problems(domain),
            *leak_problems(domain, leaked),
        ],
    )
    asked = [item for item in items(replace(domain, texts=())) if item.kind == "fact"]
    checkpoint = _found(base) if base else None
    scores = _with_tokens(out, asked, checkpoint, tokenizer)
    _limits(out, domain, scores)
    if checkpoint is not None and asked:
        _ask(out, domain, asked, checkpoint, progress)
    return out


def _found(base: str) -> Checkpoint:
    from ...models.checkpoint import Checkpoint

    return Checkpoint.find(base)


def _with_tokens(out: Check, asked: list[Item], checkpoint: Checkpoint | None, tokenizer: str | None) -> Scores:
    """The facts with their token counts and no log-probabilities; lengths go to `out`."""
    facts = add_borrowed_options(asked, 0)
    if checkpoint is not None:
        cut, context, out.tokenizer = checkpoint.tokenizer, checkpoint.anatomy.context, checkpoint.name
    elif tokenizer is not None:
        from ...models.companions import load_tokenizer
        from ...models.sources import label, locate

        folder = locate(tokenizer, "tokenizer")
        cut, context, out.tokenizer = load_tokenizer(folder), UNBOUNDED, label(folder, tokenizer)
    else:
        return _unscored(facts, None)
    try:
        scores = _unscored(facts, _aligned(facts, cut, context))
    except ItemError as error:
        out.problems.append(Problem("facts", str(error).partition(";")[0], "shorten it, or take another model", True))
        return _unscored([], None)
    if not scores.items:
        return scores
    roles = np.arange(scores.tokens.shape[2])
    own = roles < np.array([len(item.candidates) for item in scores.items])[:, None, None]
    wrong = np.where(own & (roles > 0), scores.tokens, np.nan)
    alike = like_length(scores).sum(1) >= DISTRACTORS
    out.lengths = Lengths(_spread(scores.tokens[:, :, 0]), _spread(wrong), int(alike.sum()), len(scores.items))
    for questions, place, cure in (
        (False, "facts", "give their relations more answers of like length"),
        (True, "questions", "nothing is lost if enough others are left"),
    ):
        short = [
            item.id.partition(":")[2]
            for item, ok in zip(scores.items, alike, strict=True)
            if not ok and (item.relation == QUESTION) is questions
        ]
        if short:
            what = f"{len(short):,} keep fewer than {DISTRACTORS} distractors within one token ({such(short)})"
            out.problems.append(Problem(place, f"{what}, and count for nothing with {out.tokenizer}", cure))
    return scores


def _aligned(facts: Sequence[Item], tokenizer: PreTrainedTokenizerBase, context: int) -> Iterator[Target]:
    """Where each candidate stands after each cue. Raises ItemError where one does not fit the context."""
    from ...models.alignment import align

    return (target for sequence in align(facts, tokenizer, context).sequences for target in sequence.targets)


def _unscored(facts: Sequence[Item], targets: Iterable[Target] | None) -> Scores:
    """Scores of no log-probability (0 nats) and as many tokens as the targets have; without targets one each."""
    import pyarrow as pa

    from ...models.table import SCHEMA

    rows = (
        [(t.item, t.cue, t.role, t.last - t.first) for t in targets]
        if targets is not None
        else [(i.id, cue, role, 1) for i in facts for cue in range(len(i.cues)) for role in range(len(i.scored))]
    )
    items, cues, roles, tokens = map(list, zip(*rows, strict=True)) if rows else ([], [], [], [])
    same: dict[str, list[Any]] = {
        "item": items,
        "cue": cues,
        "role": roles,
        "window": [0] * len(rows),
        "tokens": tokens,
        "characters": [1] * len(rows),
        "logprob": [0.0] * len(rows),
        "token_logprobs": [[0.0]] * len(rows),
        "tempered": [[0.0]] * len(rows),
        "lens": [None] * len(rows),
        "rank": [None] * len(rows),
        "flags": [""] * len(rows),
        "engine": [""] * len(rows),
    }
    return fact_scores(pa.table(same, schema=SCHEMA), facts)


def _spread(values: Array) -> tuple[int, float, int]:
    known = values[np.isfinite(values)]
    return (int(known.min()), float(np.median(known)), int(known.max())) if known.size else (0, 0.0, 0)


def _limits(out: Check, domain: Domain, scores: Scores) -> None:
    """What each specialty would bring to a verdict, were a model tuned on it."""
    pair = Pair(scores, scores)
    if not scores.items:
        return
    gains = fact_gains(pair)
    margins = centre(pair, gains).margins()[0] if len(gains.index) else np.zeros(0)
    held = [scores.items[i] for i in gains.index]
    counted = [item for item, margin in zip(held, margins, strict=True) if np.isfinite(margin)]
    for specialty in domain.specialties:
        concepts: dict[str | None, set[str]] = defaultdict(set)
        relations: dict[str | None, set[tuple[str, ...]]] = defaultdict(set)
        for item in counted:
            side = group(item, specialty, domain.general)
            concepts[side].add(item.concept)
            relation = item.id if item.relation == QUESTION else item.relation
            relations[side].add((relation, *(item.specialties if side == "other" else ())))
        own, other = len(concepts["own"]), len(concepts["other"])
        own_relations, other_relations = len(relations["own"]), len(relations["other"])
        enough = (
            own >= OWN_UNKNOWN
            and other >= OTHER_UNKNOWN
            and own_relations >= OWN_RELATIONS
            and other_relations >= OTHER_RELATIONS
        )
        out.limits[specialty] = Limits(
            sum(specialty in item.specialties for item in held),
            own,
            other,
            own_relations,
            other_relations,
            enough,
            _effect(own, other) if enough else None,
        )
    thin = {name: found for name, found in out.limits.items() if not found.enough}
    short = [
        f"{name} {found.own} in {found.own_relations}"
        for name, found in thin.items()
        if found.own < OWN_UNKNOWN or found.own_relations < OWN_RELATIONS
    ]
    alone = [
        f"{name} {found.other} in {found.other_relations}"
        for name, found in thin.items()
        if found.other < OTHER_UNKNOWN or found.other_relations < OTHER_RELATIONS
    ]
    if short:
        what = (
            f"fewer than {OWN_UNKNOWN} concepts with usable facts, or than {OWN_RELATIONS} relations ({such(short, 5)})"
        )
        out.problems.append(Problem("verdicts", what, "a model tuned on one of these gets no answer: add facts to it"))
    if alone:
        what = (
            f"fewer than {OTHER_UNKNOWN} concepts of other specialties to compare with, or than {OTHER_RELATIONS} "
            f"relations ({such(alone, 5)})"
        )
        out.problems.append(Problem("verdicts", what, "add facts to the other specialties"))


def _effect(own: int, other: int) -> float | None:
    """With a spread of one standard deviation in each group."""
    error = float(np.sqrt(1 / own + 1 / other))
    found = detectable(
        Errors(error, error, min(own, other)),
        KNOWLEDGE_LEVEL,
        ABSENCE_LEVEL,
        concepts=own,
        margin=MARGIN,
        unit=SPREAD,
    )
    return round(found.effect, 3) if found else None


def _ask(out: Check, domain: Domain, asked: list[Item], checkpoint: Checkpoint, progress: Progress | None) -> None:
    """The base's odds of the truth, over a sample; and distractors that it is sure of."""
    import pyarrow as pa

    from ...models.scoring import in_order, plan_scoring, score_shards
    from ...models.table import SCHEMA

    some = limited(asked, SAMPLE, list(domain.specialties), domain.general, 0)
    plan = plan_scoring(some, checkpoint)
    tables = []
    for shard, table in score_shards(plan, checkpoint, lens=False):
        tables.append(table)
        if progress:
            progress(f"odds of {checkpoint.name}", shard + 1, plan.shards)
    scores = fact_scores(in_order(pa.concat_tables(tables) if tables else SCHEMA.empty_table(), plan), some)
    like = like_length(scores)
    kept = np.flatnonzero(like.sum(1) >= DISTRACTORS)
    if not len(kept):
        return
    values = nanmean(scores.logprob[kept], 1)
    among = like[kept].copy()
    among[:, 0] = True
    values = np.where(among, values, -np.inf)
    shares = np.exp(values - np.logaddexp.reduce(values, axis=1, keepdims=True))
    wrong = np.where(among[:, 1:], values[:, 1:], -np.inf).max(axis=1)
    out.odds = Odds(
        checkpoint.name,
        len(kept),
        int((values[:, 0] > wrong).sum()),
        float((1 / among.sum(1)).sum()),
        float(shares[:, 0].mean()),
    )
    if out.odds.first < INFORMED * out.odds.chance:
        return
    sure = []
    for row, k in sorted(zip(*np.nonzero(shares[:, 1:] > SURE), strict=True), key=lambda at: -shares[at[0], at[1] + 1]):
        item = scores.items[kept[row]]
        sure.append(f'{item.id.partition(":")[2]}: "{item.candidates[k + 1]}" for "{item.candidates[0]}"')
    if sure:
        what = f"of {len(sure):,} facts {checkpoint.name} is sure of a wrong answer ({such(sure)})"
        out.problems.append(Problem("distractors", what, "see whether it is right after all"))
