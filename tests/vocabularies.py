"""Sources of vocabularies for tests: a small UMLS release, an OBO file, and the real files where they are at hand."""

import gzip
import json
import os
from pathlib import Path

import pytest
from knowshift.errors import KnowshiftError
from knowshift.terms.vocabulary.sources import compile

MATERIALS = Path(os.environ.get("KNOWSHIFT_MATERIALS", "/nowhere"))
with_materials = pytest.mark.skipif(not MATERIALS.is_dir(), reason="KNOWSHIFT_MATERIALS is not set")

HEADERS = {
    "MRCONSO": "CUI,LAT,TS,LUI,STT,SUI,ISPREF,AUI,SAUI,SCUI,SDUI,SAB,TTY,CODE,STR,SRL,SUPPRESS,CVF",
    "MRSTY": "CUI,TUI,STN,STY,ATUI,CVF",
    "MRDEF": "CUI,AUI,ATUI,SATUI,SAB,DEF,SUPPRESS,CVF",
    "MRREL": "CUI1,AUI1,STYPE1,REL,CUI2,AUI2,STYPE2,RELA,RUI,SRUI,SAB,SL,RG,DIR,SUPPRESS,CVF",
}
RELEASE = {
    "MRCONSO": """
        C0000001|ENG|S|L1|VO|S1|Y|A1||||NCI|SY|C111|Heart disorder|0|N||
        C0000001|ENG|P|L2|PF|S2|Y|A2||||MSH|MH|D006331|Heart Diseases|0|N||
        C0000001|ENG|P|L2|PF|S2|N|A3||||SNOMEDCT_US|PT|56265001|Heart Diseases|9|N||
        C0000001|ENG|S|L3|PF|S3|Y|A4||||MSH|ET|D006331|Cardiac Diseases|0|N||
        C0000001|ENG|S|L4|PF|S4|Y|A5||||SNOMEDCT_US|SY|56265001|Old name|9|O||
        C0000001|SPA|P|L5|PF|S5|Y|A6||||MSHSPA|MH|D006331|Cardiopatías|0|N||
        C0000002|ENG|P|L6|PF|S6|Y|A7||||HPO|PT|HP:0011675|Arrhythmia|0|N||
        C0000002|ENG|S|L7|PF|S7|Y|A8||||MTH|PN|NOCODE|Irregular beat|0|N||
        C0000003|ENG|S|L8|VO|S8|N|A9||||NCI|SY|C222|irregular rhythm|0|N||
        C0000003|ENG|S|L9|VO|S9|N|A10||||NCI|PT|C222|Rhythm Disorder|0|N||
        C0000004|FRE|P|L10|PF|S10|Y|A11||||MSHFRE|MH|D1|Coeur|0|N||
        C0000005|ENG|P|L11|PF|S11|Y|A12||||MSH|MH|D2|Suppressed|0|Y||
        C0000006|ENG|P|L12|PF|S12|Y|A13||||MSH|MH|D3|Ménière Disease|0|N||""",
    "MRSTY": """
        C0000001|T047|B|Disease or Syndrome|AT1||
        C0000002|T046|B|Pathologic Function|AT2||
        C0000002|T033|A|Finding|AT3||
        C0000003|T047|B|Disease or Syndrome|AT4||
        C0000005|T047|B|Disease or Syndrome|AT5||
        C0000006|T047|B|Disease or Syndrome|AT6||""",
    "MRDEF": """
        C0000001|A1|AT1||CSP|of the heart, by CSP|N||
        C0000001|A1|AT2||MSH|of the heart, suppressed|O||
        C0000001|A1|AT3||MSH|of the heart, by MeSH|N||
        C0000001|A1|AT4||NCI|of the heart, by NCI|N||
        C0000002|A1|AT5||CSP|of the beat, by CSP|N||
        C0000007|A1|AT6||CSP|of nothing that is there|N||""",
    "MRREL": """
        C0000001|A1|AUI|CHD|C0000002|A2|AUI|isa|R1||MSH|MSH|||N||
        C0000002|A2|AUI|PAR|C0000001|A1|AUI|inverse_isa|R2||MSH|MSH|||N||
        C0000002|A2|AUI|PAR|C0000001|A1|AUI|inverse_isa|R3||NCI|NCI|||N||
        C0000002|A2|AUI|PAR|C0000002|A1|AUI||R4||MSH|MSH|||N||
        C0000002|A2|AUI|RO|C0000003|A1|AUI|PAR|R5||MSH|MSH|||N||
        C0000003|A2|AUI|PAR|C0000002|A1|AUI||R6||NCI|NCI|||N||
        C0000003|A2|AUI|PAR|C0000006|A1|AUI||R7||NCI|NCI|||O||
        C0000003|A2|AUI|RB|C0000001|A1|AUI||R8||MTH|MTH|||N||""",
}

OBO = """format-version: 1.4
data-version: 2026-01-01
synonymtypedef: abbreviation "" EXACT

[Term]
id: T:1
name: heart disease
alt_id: T:7
def: "Any \\"cardiac\\" disorder." [PMID:1] {source="x"}
synonym: "cardiac disease" EXACT abbreviation [PMID:1, "a ] b"]
synonym: "heart trouble" RELATED []
synonym: "cardiopathy" BROAD []
xref: UMLS_CUI:C0018799 "a note" {source="y"}
xref: MESH:D006331 ! by hand

[Term]
id: T:2
name: arrhythmia \\{any\\} {source="z"}
is_a: T:1 {inferred="true"} ! heart disease
is_a: T:99 ! not here

[Term]
id: T:3
name: obsolete palpitation
is_obsolete: true

[Typedef]
id: part_of
name: part of
"""


def made(folder, release=RELEASE, packed=()):
    """A release folder with META, and MRFILES for scispaCy's reader."""
    meta = folder / "META"
    meta.mkdir(parents=True, exist_ok=True)
    for name, rows in release.items():
        content = "".join(f"{line.strip()}\n" for line in rows.strip().split("\n")).encode()
        path = meta / f"{name}.RRF"
        if name in packed:
            path.with_suffix(".RRF.gz").write_bytes(gzip.compress(content))
        else:
            path.write_bytes(content)
    (meta / "MRFILES.RRF").write_text("".join(f"{n}.RRF|x|{columns}|0|0|0|\n" for n, columns in HEADERS.items()))
    return folder


def as_json(entries, path):
    """The concepts as scispaCy's export writes them."""
    rows = [
        {
            "concept_id": e.id,
            "canonical_name": e.name,
            "aliases": [*e.aliases, *e.aliases, e.name],
            "types": [*e.types],
            **({"definition": e.definition} if e.definition else {}),
        }
        for e in entries
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    path.with_suffix(".json").write_text(json.dumps(rows, indent=1))
    return path


def one_line(tmp_path, given, said, **filters):
    """Compiling fails with one line, and nothing is written."""
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(KnowshiftError, match=said) as raised:
        compile([str(each) for each in given], tmp_path / "out.vocabulary", **filters)
    assert "\n" not in str(raised.value)
    assert sorted(tmp_path.rglob("*")) == before
    return str(raised.value)
