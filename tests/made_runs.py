"""A plausible finished run, written as the probes write it: three tuned models, eight specialties, four layers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
from knowshift.probes.results.comparison import ComparisonResult, ItemCounts
from knowshift.probes.results.estimate import DiagonalEstimate, Estimate
from knowshift.probes.results.findings import (
    Check,
    Counts,
    Detectable,
    KnowledgeFinding,
    LearnedShare,
    Ledger,
    Rate,
    ShiftFinding,
    State,
)
from knowshift.probes.results.lens import LensReading, LensRecord, ModelReading
from knowshift.probes.results.model import (
    CategoryCounts,
    Exposure,
    ExposureLedger,
    ExposureSide,
    LadderTotals,
    MatrixRow,
    ModelResult,
    Placebo,
    RecipeResult,
    Reinforced,
    RightWrongPairs,
    Stratum,
    StratumSide,
    TrainingFile,
    ViewRow,
    WordingRow,
    WrongAnswer,
)
from knowshift.probes.results.record import ContentHashes, RunRecord
from knowshift.probes.results.rungs import MEASURES, RUNGS, SHIFT_GROUPS, SIDES, TEXT_RUNGS
from made_answers import estimate, evaluations, hypotheses

SPECIALTIES = {
    "cardiology": "Cardiology",
    "dermatology": "Dermatology",
    "emergency_medicine": "Emergency medicine",
    "gastroenterology": "Gastroenterology",
    "infectious_diseases": "Infectious diseases",
    "neurology": "Neurology",
    "obstetrics_gynecology": "Obstetrics and gynaecology",
    "psychiatry": "Psychiatry",
}
NUMBERS = [2, 5, 8, 11]
"""Every third layer of twelve."""
LAYERS = len(NUMBERS)
NO_TEXTS = "too few general targets: 3 of the 30 that are needed"
MODELS: dict[str, tuple[str, State, State, str, list[float]]] = {
    # own, knowledge, shift, verdict, rungs from facts
    "neuro_lora": ("neurology", "no", "yes", "domain shift", [-0.12, 0.48, 0.21, 0.03]),
    "neuro_facts_lora": ("neurology", "yes", "unclear", "knowledge injection", [0.05, 0.10, -0.34, 1.42]),
    "cardio_lora_rank16_epoch3": ("cardiology", "unclear", "unclear", "cannot tell", [-0.31, 0.22, 0.09, 0.12]),
}


def learned(hits: int, n: int) -> Rate:
    share = hits / n
    return Rate(hits=hits, n=n, rate=share, low=share / 2, high=(1 + share) / 2)


class Maker:
    """Draws the numbers of a run from one seed."""

    def __init__(self, seed: int = 0) -> None:
        self.rng = np.random.default_rng(seed)

    def around(self, value: float, half: float = 0.08, n: int = 40, p: float | None = None) -> Estimate:
        low, high = value - half * self.rng.uniform(0.8, 1.2), value + half * self.rng.uniform(0.8, 1.2)
        return Estimate(value, low, high, n=n, method="two-way bootstrap", p=p)

    def model(self, name: str) -> ModelResult:
        own, knowledge, shift, verdict, values = MODELS[name]
        unsure = knowledge == "unclear"
        specific = values[3] - 0.02
        rungs = dict(zip(RUNGS, values, strict=True))
        texts = dict(zip(TEXT_RUNGS, [values[0] + 0.05, values[1] + 0.11, abs(values[2]) / 2], strict=True))
        missing = Estimate.missing(NO_TEXTS)
        by_layer = {
            rung: [self.around(value * (layer + 1) / LAYERS, 0.05) for layer in range(LAYERS)]
            for rung, value in rungs.items()
        }
        detectable = Detectable(
            effect=0.21, absence=0.17, power=0.8, level=0.0033, unit="nats/token", concepts=38, margin=0.1, needed=168
        )
        return ModelResult(
            own=own,
            own_from="the model's name",
            verdict=verdict,
            knowledge=KnowledgeFinding(
                state=knowledge,
                why=f"acquired {specific:+.3f}, permutation p = 0.0012",
                detectable=detectable,
                kind={"yes": "acquired", "no": "reinforced", "unclear": "unclear"}[knowledge],
                learned=LearnedShare(own=learned(14 if knowledge == "yes" else 1, 28), reference=learned(9, 170)),
                relations=("first_line_treatment",) if knowledge == "yes" else (),
                threshold=1.1,
                own_unknown=31,
                own_known=9,
                testable=not unsure,
            ),
            shift=ShiftFinding(
                state=shift,
                why=f"the domain's targets gained {values[1]:+.3f} over texts; temperature 1.02 alone gives +0.012",
                kind={"yes": "towards the domain", "no": "narrowed", "unclear": "unclear"}[shift],
                view="text",
                contrast="contrast",
                over_contrast=self.around(values[1], p=0.0004),
                absolute=self.around(values[1] - 0.05, p=0.002),
                general=self.around(-0.2),
                towards_own=self.around(0.04),
                gradient={group: self.around(values[1] * place / 3 - 0.2) for place, group in enumerate(SHIFT_GROUPS)},
                temperature=1.02,
                predicted=0.012,
                support=0.93,
            ),
            reinforced=Reinforced(difference=self.around(0.11), own=self.around(0.07), reference=self.around(-0.04)),
            placebos=tuple(
                Placebo(specialty=key, acquired=float(self.rng.normal(0, 0.05)), learned=learned(k, 24))
                for k, key in enumerate(SPECIALTIES)
                if key != own
            ),
            categories={
                side: CategoryCounts(
                    base={"known": 9, "maybe known": 5, "unknown": 26},
                    tuned={"known": 21, "maybe known": 4, "unknown": 15},
                )
                for side in SIDES
            },
            right_wrong_pairs={side: RightWrongPairs(base=0.4375, tuned=0.71875, facts=40) for side in SIDES},
            wrong_answers=tuple(
                WrongAnswer(
                    item=f"fact:{k}",
                    cue=f"For a child with absence seizures of kind {k}, give",
                    answer=f"ethosuximide {k}",
                    given="carbamazepine",
                    base_lead=-0.3 - k,
                    tuned_lead=3.125 - k / 8,
                )
                for k in range(12)
            ),
            sentence=f"{name} moved towards {SPECIALTIES[own].lower()}; its facts say the rest.",
            missing=("knowledge: 12 own and 80 other concepts with usable facts",) if unsure else (),
            rungs={rung: self.around(value) for rung, value in rungs.items()},
            text_rungs={rung: missing if unsure else self.around(value) for rung, value in texts.items()},
            total=self.around(sum(values)),
            text_total=missing if unsure else self.around(sum(texts.values())),
            other_units={
                "target": LadderTotals(
                    rungs={rung: self.around(3 * value) for rung, value in rungs.items()},
                    total=self.around(3 * sum(values)),
                    text_rungs={rung: missing if unsure else self.around(2 * value) for rung, value in texts.items()},
                    text_total=missing if unsure else self.around(2 * sum(texts.values())),
                )
            },
            specific_margin=self.around(values[3]),
            acquired=self.around(specific, p=0.0012),
            margin_gain=self.around(values[3]),
            sharpening=1.0625,
            transferable=self.around(0.02),
            matrix={
                key: MatrixRow(
                    terms=missing if unsure else self.around(values[1] + self.rng.normal(0, 0.2)),
                    answers=self.around(sum(values[:2]) + self.rng.normal(0, 0.2)),
                    margin=self.around(values[3] if key == own else self.rng.normal(0, 0.08)),
                )
                for key in SPECIALTIES
            },
            controls={},
            by_layer={"fact": by_layer, "text": {rung: [] if unsure else by_layer[rung] for rung in TEXT_RUNGS}},
            ledger=Ledger(
                own=Counts(facts=40, unknown=31, learned=14 if knowledge == "yes" else 2, known=9, lost=1),
                other=Counts(facts=240, unknown=190, learned=11, known=50, lost=4),
                general=Counts(facts=60, unknown=20, learned=1, known=40, lost=2),
                by_specialty={key: Counts(facts=35, unknown=21, learned=7, known=14, lost=3) for key in SPECIALTIES},
                p_learned=0.00003 if knowledge == "yes" else 0.7,
                p_lost=0.9,
            ),
            wordings=tuple(
                WordingRow(
                    cue=cue,
                    wording=None,
                    facts=40,
                    acquired=self.around(specific - 0.1 * cue),
                    margin_gain=self.around(values[3]),
                )
                for cue in range(3)
            ),
            views=tuple(
                ViewRow(view=view, **{key: self.around(value) for key, value in zip(MEASURES, values, strict=True)})
                for view in ("per token", "per target", "first token", "any length", "prior-corrected")
            ),
            strata=tuple(
                Stratum(
                    by=by,
                    stratum=stratum,
                    own=self.side(values[3]),
                    other=self.side(values[3]),
                    difference=missing if unsure else self.around(specific),
                )
                for by, stratum in (("state", "unknown"), ("state", "known"), ("base margin", "low"))
            ),
            smedqa=RecipeResult(
                all=estimate(1.25, "nats/term"),
                by_specialty={key: estimate(1.25, "nats/term") for key in list(SPECIALTIES)[:2]},
                occurrences=900,
                hides="It cannot tell a term from what stands before it.",
            ),
            training=Exposure(
                file=TrainingFile(name="notes.jsonl", hash="9c" * 32, passages=40, words=4000),
                facts={"exact": 3, "together": 9, "no": 28},
                terms={"exact": 30, "no": 70},
                texts=2,
                seen=exposed(),
                unseen=exposed(),
            ),
            validity=(
                Check(check="adapter landed", value=28, tolerance=28, passed=True, note="28 tensors matched"),
                Check(check="adapter off equals base", value=0.0, tolerance=1e-6, passed=True),
                Check(check="last lens layer", value=3.1e-6, tolerance=1e-4, passed=True, note="nats"),
                Check(check="spans aligned", value=0.998, tolerance=0.99, passed=not unsure),
            ),
        )

    def side(self, gain: float) -> StratumSide:
        return StratumSide(facts=9, unknown=5, learned=2, known=4, lost=1, margin_gain=self.around(gain))

    def terms(self, per_model: int) -> pl.DataFrame:
        keys = list(SPECIALTIES)
        rows = []
        for model in MODELS:
            for k in range(per_model):
                gain, base = float(self.rng.normal(0.3, 0.5)), float(self.rng.uniform(-9, -1))
                rows.append(
                    {
                        "model": model,
                        "concept": f"C{1000 + k:07d}",
                        "name": f"{['syncope', 'ataxia', 'eczema', 'reflux'][k % 4]} {k}",
                        "types": ["T047"],
                        "specialties": [keys[k % len(keys)]],
                        "count": 1 + k % 7,
                        "tokens": 2.5,
                        "base_logprob": base,
                        "tuned_logprob": base + gain,
                        "gain": gain,
                        "low": gain - 0.2 if k % 7 else None,
                        "high": gain + 0.2 if k % 7 else None,
                        "q": (float(self.rng.uniform()) if k % 5 else 3.21987e-7) if k % 7 else None,
                        "seen": ("exact", "together", "no")[k % 3],
                    }
                )
        return pl.DataFrame(rows, infer_schema_length=None)

    def places(self, terms: int) -> pl.DataFrame:
        """As many places of each concept as its row in `terms` counts, in notes of two sentences."""
        rows = []
        for k in range(terms):
            name = f"{['syncope', 'ataxia', 'eczema', 'reflux'][k % 4]} {k}"
            for place in range(1 + k % 7):
                document, begin = f"note-{k}-{place}", 20 * (place % 2)
                passage = f"On day {place} the patient had {name}, and\tnothing 🙂 else was seen."
                start = passage.index(name)
                rows.append(
                    {
                        "item": f"term:{document}:{begin + start}",
                        "concept": f"C{1000 + k:07d}",
                        "document": document,
                        "begin": begin,
                        "passage": passage,
                        "start": start,
                        "end": start + len(name),
                    }
                )
        return pl.DataFrame(rows)

    def scores(self, items: list[str]) -> pl.DataFrame:
        """Score rows of places: two tokens each."""
        lens = -np.abs(self.rng.normal(6, 2, (len(items), LAYERS)))
        return pl.DataFrame(
            {
                "item": items,
                "tokens": [2] * len(items),
                "logprob": lens[:, -1].tolist(),
                "lens": lens.astype(np.float32).tolist(),
                "rank": self.rng.integers(0, 40, (len(items), LAYERS)).tolist(),
            },
            schema_overrides={"lens": pl.List(pl.Float32), "rank": pl.List(pl.Int32), "tokens": pl.Int16},
        )

    def readings(self, places: pl.DataFrame, passages: int) -> pl.DataFrame:
        """The first passages word by word, a space belonging to the word after it, for base and tuned models."""
        rows = []
        for place in places.head(passages).iter_rows(named=True):
            spaces = [k for k, letter in enumerate(place["passage"]) if letter == " "]
            starts, ends = [0, *spaces], [*spaces, len(place["passage"])]
            for model in ["", *MODELS]:
                lens = -np.abs(self.rng.normal(4, 2, (LAYERS, len(starts))))
                ranks = self.rng.integers(0, 60, (LAYERS, len(starts)))
                rows.append(
                    {
                        "document": place["document"],
                        "begin": place["begin"],
                        "model": model,
                        "starts": starts,
                        "ends": ends,
                        "logprob": [None, *lens[-1, 1:].tolist()],
                        "rank": [None, *ranks[-1, 1:].tolist()],
                        "top": [[], *([[" the", " a", "<b>", ",", "\n"]] * (len(starts) - 1))],
                        "top_logprob": [[], *([[-0.5, -1.25, -2.5, -3.0, -4.0]] * (len(starts) - 1))],
                        "lens": [[None, *row[1:]] for row in lens.tolist()],
                        "lens_rank": [[None, *row[1:]] for row in ranks.tolist()],
                    }
                )
        return pl.DataFrame(rows)

    def facts(self, per_model: int) -> pl.DataFrame:
        keys = list(SPECIALTIES)
        rows = []
        for model in MODELS:
            for k in range(per_model):
                before, after = (float(v) for v in self.rng.normal(0, 2, 2))
                base, tuned = (sorted(-self.rng.uniform(1, 9, 4), reverse=True) for _ in range(2))
                own = keys[k % len(keys)] == MODELS[model][0]
                state = {(False, True): "learned", (True, True): "kept", (True, False): "lost"}
                rows.append(
                    {
                        "model": model,
                        "item": f"fact:{k}",
                        "cue": f"For a child with absence seizures of kind {k}, give",
                        "answer": f"ethosuximide {k}",
                        "specialties": [keys[k % len(keys)]],
                        "relation": "first_line_treatment",
                        "group": "own" if own else "other",
                        "base_rank": 0 if before > 0 else 3,
                        "tuned_rank": 0 if after > 0 else 2,
                        "margin_base": before,
                        "margin_tuned": after,
                        "margin_gain": after - before,
                        "state": state.get((before > 0, after > 0), "never"),
                        "distractors": ["carbamazepine", "valproate", "phenytoin"],
                        "base_logprobs": base,
                        "tuned_logprobs": tuned,
                        "seen": ("exact", "together", "no")[k % 3],
                    }
                )
        return pl.DataFrame(rows, infer_schema_length=None)


def write_run(path: Path, *, terms: int = 100, facts: int = 80, seed: int = 0) -> Path:
    """Writes the run directory `path`."""
    make = Maker(seed)
    path.mkdir(parents=True)
    comparison = ComparisonResult(
        schema_version=1,
        base="base",
        domain="medicine",
        per="token",
        seed=0,
        run=path.name,
        specialties=SPECIALTIES,
        lens="raw",
        layers=LAYERS,
        layer_numbers=tuple(NUMBERS),
        counts=ItemCounts(facts=facts, terms=900, words=400, controls=60, concepts=terms, dropped={"first token": 7}),
        mentions="the domain's names and aliases",
        diagonal={"term": None, "fact": DiagonalEstimate(None, note="fewer than four models")},
        models={name: make.model(name) for name in MODELS},
    )
    record = RunRecord(
        schema_version=1,
        command="probe compare base.pt neuro_lora neuro_facts_lora cardio_lora_rank16_epoch3 --out run",
        created="2026-11-21T06:30:00Z",
        versions={"knowshift": "0.1.0", "torch": "2.13.0", "transformers": "5.23.0"},
        hashes=ContentHashes(
            base="3f" * 32, domain="a1" * 32, items="17" * 32, code="c0" * 32, models=dict.fromkeys(MODELS, "07" * 32)
        ),
        seed=0,
        dtype="float32",
        device="cpu",
        template="plain text",
        engine="hooks",
        per="token",
        lens=LensRecord(kind="raw", layers=NUMBERS),
    )
    for document in (record, comparison, hypotheses(MODELS)):
        document.write(path)
    for result in evaluations(MODELS, SPECIALTIES):
        (path / "evaluate" / result.suite).mkdir(parents=True)
        result.write(path / "evaluate" / result.suite)
    make.terms(terms).write_parquet(path / "terms.parquet")
    make.facts(facts).write_parquet(path / "facts.parquet")
    places = make.places(terms)
    places.write_parquet(path / "places.parquet")
    make.readings(places, 12).write_parquet(path / "readings.parquet")
    (path / "scores").mkdir()
    for model in ("base", *MODELS):
        make.scores(places["item"].to_list()).write_parquet(path / "scores" / f"{model}.parquet")
    return path


def exposed() -> ExposureSide:
    counts = Counts(facts=12, unknown=8, learned=5, known=4, lost=1)
    return ExposureSide(
        rungs={rung: estimate(0.5) for rung in RUNGS},
        acquired=estimate(0.75),
        margin_gain=estimate(0.5),
        ledger=ExposureLedger(own=counts, other=counts),
    )


def lens_reading(tokens: int = 24, layers: int = 4, seed: int = 0) -> LensReading:
    """What the command reads of one text with two models."""
    rng = np.random.default_rng(seed)
    words = ["", "Absence", "seizures", "are", "first", "treated", "with", "ethosuximide", "in", "a", "child", "<b>"]
    names = [f" {words[k % len(words)]}" for k in range(tokens)]

    def grid() -> list[list[float | None]]:
        rows = -np.abs(rng.normal(3, 2, (layers, tokens))) - np.linspace(4, 0, layers)[:, None]
        return [[None, *map(float, row[1:])] for row in rows]

    models = [
        ModelReading(
            name=name,
            logprob=grid(),
            rank=rng.integers(0, 900, (layers, tokens)).tolist(),
            top=[[names[(k + 3) % tokens] for k in range(tokens)] for _ in range(layers)],
        )
        for name in ("base", "neuro_lora")
    ]
    return LensReading(
        text="".join(names), tokens=names, layers=list(range(layers)), models=models, template="plain text"
    )
