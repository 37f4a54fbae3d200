"""Recall of the linker's approximate index against exact search, for several settings of the index.

    python benchmarks/linker_recall.py VOCABULARY [--queries 2000]

Queries are the vocabulary's own names, disturbed as texts disturb them: a word left out, two words exchanged, a letter
lost, a plural. Recall is the share of the ten nearest spellings by exact cosine similarity (scipy, sparse) that the
index finds among its thirty. Figures stand in `docs/terms.md`.
"""

from __future__ import annotations

import argparse
import random
import time

import nmslib
import numpy as np
from knowshift.terms.extraction.neighbours import EF_CONSTRUCTION, EF_SEARCH, M, vectors_of
from knowshift.terms.vocabulary.compiled import Vocabulary

K, NEAREST = 30, 10
SETTINGS = [(M, EF_CONSTRUCTION, EF_SEARCH), (16, 200, 200), (16, 200, 400), (8, 100, 200), (100, 2000, 200)]


def disturbed(name: str, rng: random.Random) -> str:
    words = name.split()
    kind = rng.randrange(4)
    if kind == 0 and len(words) > 1:
        words.pop(rng.randrange(len(words)))
    elif kind == 1 and len(words) > 1:
        i = rng.randrange(len(words) - 1)
        words[i], words[i + 1] = words[i + 1], words[i]
    elif kind == 2 and len(name) > 6:
        at = rng.randrange(len(name))
        return name[:at] + name[at + 1 :]
    else:
        return name + "s"
    return " ".join(words)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("vocabulary")
    parser.add_argument("--queries", type=int, default=2000)
    parser.add_argument("--all", action="store_true", help="scispaCy's own settings too (minutes)")
    chosen = parser.parse_args()
    vectorizer, vectors, names = vectors_of(Vocabulary.open(chosen.vocabulary))
    rng = random.Random(0)
    queries = vectorizer.transform([disturbed(rng.choice(names), rng) for _ in range(chosen.queries)])
    queries = queries[np.diff(queries.indptr) > 0]
    started = time.perf_counter()
    similar = (queries @ vectors.T).tocsr()
    exact = time.perf_counter() - started
    best = []
    for row in range(similar.shape[0]):
        values = similar[row].toarray().ravel()
        # Spellings as near as the tenth are as good as it.
        best.append((values, np.sort(values)[-NEAREST] - 1e-6))
    print(f"{len(names):,} spellings, {queries.shape[0]:,} queries; exact search {exact:.1f} s")
    for m, construction, ef in SETTINGS if chosen.all else SETTINGS[:-1]:
        index = nmslib.init(method="hnsw", space="cosinesimil_sparse", data_type=nmslib.DataType.SPARSE_VECTOR)
        index.addDataPointBatch(vectors)
        started = time.perf_counter()
        index.createIndex({"M": m, "efConstruction": construction, "post": 0})
        built = time.perf_counter() - started
        index.setQueryTimeParams({"efSearch": ef})
        started = time.perf_counter()
        found = index.knnQueryBatch(queries, k=K)
        asked = time.perf_counter() - started
        hits = [
            min(NEAREST, sum(values[place] >= least for place in places)) / NEAREST
            for (values, least), (places, _) in zip(best, found, strict=True)
        ]
        top = [values[places[0]] >= values.max() - 1e-6 for (values, _), (places, _) in zip(best, found, strict=True)]
        print(
            f"M {m:3}  efConstruction {construction:4}  efSearch {ef:3}: recall@{NEAREST} {np.mean(hits):.4f}, "
            f"nearest found {np.mean(top):.4f}; built in {built:.1f} s, {asked / len(hits) * 1000:.2f} ms a query"
        )


if __name__ == "__main__":
    main()
