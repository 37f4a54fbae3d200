"""Facts from a vocabulary: OBO, a table of concepts, or a UMLS release.

source.py        stated_by(SOURCE...): the rows, wordings, aliases, and what was skipped
├── links.py             what a concept is a kind of, what else it is called, OBO's relationships
├── phrases.py           definitions: cause, way of infection, site, cell of origin
│   └── genes.py                 gene, chromosomal band, inheritance
├── mrrel.py             the relations of a UMLS release
├── choice.py            which statements can serve, and why the others cannot
│   ├── telling.py               whether a name tells the answer
│   ├── truth.py                 what else holds for a subject, and what may
│   └── amounts.py               how many of a relation, a specialty, an answer
├── specialties.py       an embedded domain's map, else the vocabulary's own branches
├── places.py            parts of the body that lie in others
└── wordings.py          relations: what sources call them, how they are asked
claims.py        Claim: one statement
"""
