"""`probe domain`: a domain of one's own, from an empty folder to a checked one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..terms.defaults import DOMAIN, MOST_FACTS
from .options import Debug, Encoding

if TYPE_CHECKING:
    from ..probes.runs.domain_check import Check

UNUSABLE = 2
NewFolder = Annotated[Path | None, typer.Option(help="Its folder (default: the name, here).")]
SpecialtyField = Annotated[str | None, typer.Option(help="Field with the specialty (default: specialty, specialties).")]
LabelMap = Annotated[
    list[str] | None,
    typer.Option(help="What a label stands for: LABEL=SPECIALTY[,SPECIALTY], or LABEL=none; repeat."),
]

app = typer.Typer(
    help="A domain of your own: lay it down, build it from texts, tables and questions, check it.",
    no_args_is_help=True,
    epilog="Examples:  probe domain new law  |  probe domain build law --facts law/sources/facts.csv  |  "
    "probe domain check law --base base.pt",
)


@app.command(epilog="Example:  probe domain new law")
def new(
    name: Annotated[str, typer.Argument(help="What the domain is called.")],
    out: NewFolder = None,
    debug: Debug = False,
) -> None:
    """Lay down a domain folder in which every file explains itself."""
    from ..terms.making.new import new as lay_down

    folder = lay_down(name, out)
    print(f"domain: {folder}")
    print(f"fill in {folder / 'domain.toml'} and {folder / 'sources'}; what is missing:  probe domain check {folder}")


@app.command(
    epilog="Example:  probe domain build law --texts rulings.jsonl --specialty-field court --controls novel.txt "
    "--vocabulary eurovoc.vocab --facts law/sources/facts.csv --questions bar_exam.jsonl"
)
def build(
    domain: Annotated[str, typer.Argument(help="A folder laid down by probe domain new.")],
    texts: Annotated[
        list[str] | None,
        typer.Option(
            help="Running text: a file (.jsonl, .json, .parquet, .csv, .tsv, .txt), a folder of such or of text files "
            "by specialty, or a dataset (OWNER/NAME[:SPLIT]); repeat for several."
        ),
    ] = None,
    text_field: Annotated[str | None, typer.Option(help="Field with the text (default: text).")] = None,
    specialty_field: SpecialtyField = None,
    map: LabelMap = None,
    vocabulary: Annotated[
        Path | None, typer.Option(help="A vocabulary made by probe terms vocabulary: what is looked for in the texts.")
    ] = None,
    terms: Annotated[
        Path | None, typer.Option(help="An edited terms.csv, or its folder: what it drops or reassigns wins.")
    ] = None,
    controls: Annotated[
        list[str] | None, typer.Option(help="Texts of no specialty, in the same forms; repeat.")
    ] = None,
    facts: Annotated[
        list[str] | None,
        typer.Option(help="Tables with subject, relation, object and, if you like, specialty, also; repeat."),
    ] = None,
    questions: Annotated[
        list[str] | None, typer.Option(help="Multiple choice: Question, Specialty, Options, Answer; repeat.")
    ] = None,
    encoding: Encoding = None,
    debug: Debug = False,
) -> None:
    """Fill a domain from texts, tables of facts and multiple-choice questions, whole or not at all."""
    from ..terminal import Reporter
    from ..terms.making.build import Sources
    from ..terms.making.build import build as fill

    sources = Sources(
        texts=tuple(texts or ()),
        text_field=text_field,
        specialty_field=specialty_field,
        labels=tuple(map or ()),
        vocabulary=vocabulary,
        terms=terms,
        controls=tuple(controls or ()),
        facts=tuple(facts or ()),
        questions=tuple(questions or ()),
        encoding=encoding,
    )
    with Reporter() as reporter:
        done = fill(domain, sources, reporter)
    counts = {name.partition(".")[0]: name for name in done.written}
    for part, file in counts.items():
        if part != "terms":
            print(f"{file}: {len(getattr(done.domain, part)):,}")
    if "terms" in counts:
        print(f"{counts['terms']}: to edit, and to give back with --terms")
    if done.new:
        print(f"new specialties in domain.toml: {', '.join(done.new)}")
    for note in done.notes:
        print(note)
    print(f"next: probe domain check {done.folder}")


@app.command(
    "from",
    epilog="Examples:  probe domain from train.jsonl --name clinic --specialty-field department  |  "
    "probe domain from S-MedQA.json --name exam --contrast geography  |  "
    "probe domain from triples.csv --name rivers --out domains/rivers",
)
def from_source(
    source: Annotated[
        str,
        typer.Argument(
            help="Questions with answers, instructions, chats, multiple choice, triples or a table: a file (.jsonl, "
            ".json, .parquet, .csv, .tsv), a folder of such, or a dataset (OWNER/NAME[:SPLIT]). Or a vocabulary: .obo, "
            "a table of concepts with parents, a UMLS release with MRREL.RRF."
        ),
    ],
    name: Annotated[str, typer.Option(help="What the domain is called.")],
    out: NewFolder = None,
    question_field: Annotated[
        str | None, typer.Option(help="Field with the question (default: question, instruction, prompt, ...).")
    ] = None,
    answer_field: Annotated[
        str | None, typer.Option(help="Field with the answer (default: answer, output, response, ...).")
    ] = None,
    specialty_field: SpecialtyField = None,
    map: LabelMap = None,
    vocabulary: Annotated[
        Path | None,
        typer.Option(
            help="A vocabulary made by probe terms vocabulary: records without a specialty get that of the concept "
            "they name, and answers are sorted by type; to a subset of an ontology it gives the hierarchy."
        ),
    ] = None,
    specialties: Annotated[
        str, typer.Option(help="Domain whose specialties and hierarchy.tsv sort the vocabulary's concepts.")
    ] = DOMAIN,
    contrast: Annotated[
        str | None,
        typer.Option(help="Contrast domain: a name, a folder, or none (default: the embedded one it is least like)."),
    ] = None,
    most: Annotated[int, typer.Option(min=1, help="Facts at most; the largest relations are thinned.")] = MOST_FACTS,
    encoding: Encoding = None,
    debug: Debug = False,
) -> None:
    """Make a domain of training data: its facts, wrong answers of like kind, held-out wordings, controls."""
    from ..terminal import Reporter
    from ..terms.making.source import Origin, domain_from

    origin = Origin(
        source,
        name,
        out,
        question_field,
        answer_field,
        specialty_field,
        tuple(map or ()),
        vocabulary,
        specialties,
        contrast,
        most,
        encoding,
    )
    with Reporter() as reporter:
        made = domain_from(origin, reporter)
    print(*made.lines(), sep="\n")


@app.command(epilog="Example:  probe domain check law --base base.pt")
def check(
    domain: Annotated[str, typer.Argument(help="An embedded domain's name, or a domain folder.")],
    tokenizer: Annotated[
        str | None, typer.Option(help="A model's folder or hub id: how long answers are in its tokens.")
    ] = None,
    base: Annotated[
        str | None, typer.Option(help="A base model: its tokenizer, and its odds of the truth over a sample of facts.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON alone.")] = False,
    debug: Debug = False,
) -> None:
    """Say what a domain has, what a verdict would count of it, and what is wrong with it."""
    from ..probes.runs.domain_check import check_domain
    from ..terminal import Reporter

    with Reporter() as reporter:
        found = check_domain(domain, tokenizer, base, reporter)
    if as_json:
        print(json.dumps(found.json(), indent=1, ensure_ascii=False))
    else:
        _show(found)
    if not found.usable:
        raise typer.Exit(UNUSABLE)


def _show(found: Check) -> None:
    if found.census is not None:
        print(*_table(found), sep="\n")
        if of := found.census.texts:
            print(f"texts: {of - len(found.census.silent):,} of {of:,} with a specialty mention a concept")
    for what, quality in (("facts", found.facts), ("questions", found.questions)):
        if quality is not None:
            alike = "" if quality.same_type is None else f", {quality.same_type:.0%} of the answer's type"
            print(
                f"{what}: {quality.facts:,}, with {quality.median:g} distractors each (at least {quality.fewest})"
                f"{alike}; answer and distractor differ by {quality.length:g} characters"
            )
    if found.lengths is not None:
        lengths = found.lengths
        answers, wrong = (
            f"{low} to {high} (median {mid:g})" for low, mid, high in (lengths.answers, lengths.distractors)
        )
        print(
            f"tokens of {found.tokenizer}: answers {answers}, distractors {wrong}; "
            f"{lengths.alike:,} of {lengths.facts:,} facts and questions keep three distractors within one token, "
            f"{lengths.facts - lengths.alike:,} fall out"
        )
    if found.odds is not None:
        odds = found.odds
        print(
            f"odds of {odds.base}: of {odds.facts:,} facts asked the truth ranks first in {odds.first:,} "
            f"(by chance {odds.chance:.0f}); its mean share among the candidates is {odds.share:.0%}"
        )
    faults = [problem for problem in found.problems if problem.fault]
    print(*(f"to mend: {problem}" for problem in faults), sep="\n", end="\n" if faults else "")
    print(*(f"to know: {p}" for p in found.problems if not p.fault), sep="\n", end="\n" if found.problems else "")
    if not found.problems:
        print("no problem found")


def _table(found: Check) -> list[str]:
    """A row a specialty, controls last; columns as wide as they must be."""
    assert found.census is not None
    head = (
        "",
        "texts",
        "concepts",
        "mentioned",
        "mentions",
        "facts",
        "questions",
        "usable",
        "own",
        "other",
        "smallest",
    )
    rows: list[tuple[str, ...]] = [head]
    for name, counts in found.census.specialties.items():
        limits = found.limits.get(name)
        cells: list[object] = [counts.texts, counts.concepts, counts.mentioned, counts.mentions, counts.facts]
        cells += [counts.questions]
        cells += [limits.usable, limits.own, limits.other] if limits else ["–"] * 3
        smallest = "–" if limits is None or limits.effect is None else f"{limits.effect:.2f} SD"
        rows.append((name, *(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in cells), smallest))
    wide = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(f"{cell:{'>' if at else '<'}{width}}" for at, (cell, width) in enumerate(zip(row, wide, strict=True)))
        for row in rows
    ]
