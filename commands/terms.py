"""`probe terms`: vocabularies, and lists of specialty terms with their places in the text."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..terms.defaults import DOMAIN
from .options import Debug, Encoding

app = typer.Typer(
    help="Specialty terms of a corpus, by scispaCy and a vocabulary.",
    no_args_is_help=True,
    epilog="Examples:  probe terms vocabulary umls/META --out umls.vocab  |  probe terms extract notes.jsonl "
    "--vocabulary umls.vocab --out terms  |  probe terms show terms --specialty neurology",
)

DomainOption = Annotated[str, typer.Option(help="An embedded domain's name, or a domain folder.")]


@app.command(epilog="Example:  probe terms vocabulary umls/META --source SNOMEDCT_US --source MSH --out umls.vocab")
def vocabulary(
    sources: Annotated[
        list[str],
        typer.Argument(
            help="A UMLS release folder; .obo, .jsonl, .csv, .tsv, .parquet files (several are merged by id); or "
            "umls, mesh, hpo, go, rxnorm: scispaCy's own."
        ),
    ],
    out: Annotated[Path, typer.Option(help="The compiled vocabulary.")],
    language: Annotated[
        list[str] | None, typer.Option(help="UMLS: languages (default ENG); repeat for several.")
    ] = None,
    source: Annotated[list[str] | None, typer.Option(help="UMLS: source vocabularies (default all); repeat.")] = None,
    keep_suppressed: Annotated[bool, typer.Option("--keep-suppressed", help="UMLS: obsolete names too.")] = False,
    synonyms: Annotated[
        list[str] | None, typer.Option(help="OBO: scopes of synonyms (default exact): exact, narrow, broad, related.")
    ] = None,
    encoding: Encoding = None,
    debug: Debug = False,
) -> None:
    """Compile a vocabulary once; it then opens in a moment."""
    from ..terminal import Reporter
    from ..terms.vocabulary.sources import compile

    with Reporter() as reporter:
        made = compile(
            sources,
            out,
            languages=tuple(language or ("ENG",)),
            sab=tuple(source) if source else None,
            keep_suppressed=keep_suppressed,
            scopes=tuple(synonyms or ("exact",)),
            encoding=encoding,
            progress=reporter,
        )
    counts = ", ".join(f"{value:,} {name}" for name, value in made.about["counts"].items() if isinstance(value, int))
    print(f"vocabulary: {out} ({counts})")


@app.command(
    epilog="Example:  probe terms extract notes.jsonl --vocabulary do.vocab --map cardio=cardiology --out terms"
)
def extract(
    corpus: Annotated[
        list[Path],
        typer.Argument(
            help="Files of records with text and specialty (JSON, CSV, TSV, parquet, each also .gz), folders of texts "
            "by specialty, or datasets."
        ),
    ],
    vocabulary: Annotated[Path, typer.Option(help="A vocabulary made by probe terms vocabulary.")],
    out: Annotated[Path, typer.Option(help="Folder for terms and mentions.")],
    domain: DomainOption = DOMAIN,
    map: Annotated[
        list[str] | None,
        typer.Option(help="What a label of the corpus stands for: LABEL=SPECIALTY[,SPECIALTY], or LABEL=none."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="A scispaCy pipeline, such as en_core_sci_sm (default: the vocabulary's own names)."),
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(help="Least similarity of mention and name (default 0.95; with --model 0.85).")
    ] = None,
    types: Annotated[
        str | None, typer.Option(help="Semantic types to keep, by comma, such as T047,T191 (default all).")
    ] = None,
    terms: Annotated[Path | None, typer.Option(help="An edited terms.csv: what it drops or reassigns wins.")] = None,
    recipe: Annotated[str | None, typer.Option(help="smedqa: terms as the S-MedQA study chose them.")] = None,
    encoding: Encoding = None,
    debug: Debug = False,
) -> None:
    """List the specialty terms of a corpus, with their places and the evidence."""
    from ..terminal import Reporter
    from ..terms.extraction.run import run_extraction

    with Reporter() as reporter:
        done = run_extraction(
            corpus,
            vocabulary,
            out,
            domain=domain,
            labels=map or (),
            model=model,
            threshold=threshold,
            types=types,
            edits=terms,
            recipe=recipe,
            encoding=encoding,
            progress=reporter,
        )
    counts = done.record["counts"]
    print(f"{counts['mentions']:,} mentions of {counts['concepts']:,} concepts; {counts['common']:,} common")
    for specialty, count in sorted(counts["specialties"].items(), key=lambda pair: -pair[1]):
        print(f"  {specialty}: {count:,}")
    print(f"terms: {out / 'terms.csv'}")


@app.command(epilog="Example:  probe terms show terms --specialty neurology --top 30")
def show(
    folder: Annotated[Path, typer.Argument(help="A folder left by probe terms extract.")],
    specialty: Annotated[str, typer.Option(help="The specialty, by id, name or alias.")],
    top: Annotated[int, typer.Option(min=1, help="How many terms.")] = 30,
    domain: DomainOption = DOMAIN,
    debug: Debug = False,
) -> None:
    """Show a specialty's terms, the most telling first."""
    from ..terminal import term_table
    from ..terms.domain import Domain
    from ..terms.extraction.extract import Extraction, ranked

    opened = Domain.open(domain)
    chosen = opened.specialty(specialty)
    own = ranked(Extraction.open(folder).terms, chosen.id)
    term_table(own[:top], chosen.id, f"{chosen.name}: {min(top, len(own))} of {len(own)} terms")


@app.command(epilog="Example:  probe terms check terms --gold gold.jsonl")
def check(
    folder: Annotated[Path, typer.Argument(help="A folder left by probe terms extract.")],
    gold: Annotated[Path, typer.Option(help="JSON lines with document, start, end and concept.")],
    debug: Debug = False,
) -> None:
    """Precision, recall and F1 of mentions and linked concepts against a gold file."""
    from ..terminal import agreement_table
    from ..terms.extraction.agreement import agreement, read_gold
    from ..terms.extraction.extract import Extraction

    agreement_table(agreement(Extraction.open(folder).mentions, *read_gold(gold)))
