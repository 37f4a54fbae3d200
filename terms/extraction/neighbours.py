"""The index of a vocabulary's spellings by character 3-grams, kept in the cache: exact, or approximate for a large one.

Read by `candidates`. The cache keeps an index under the code of this module, so it holds only what decides an index.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

import joblib
import nmslib
import numpy as np
import scipy.sparse
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer

from ...fingerprint import code_fingerprint
from ...storage import cache_folder

if TYPE_CHECKING:
    from ..vocabulary.compiled import Vocabulary

EXACT = 300_000
"""Spellings up to which every one is compared."""
# Beyond: scispaCy's own (M 100, efConstruction 2000, efSearch 200) take several times as long to build; what is lost
# stands in docs/terms.md, measured against exact search by benchmarks/linker_recall.py.
M, EF_CONSTRUCTION, EF_SEARCH = 32, 400, 400
ROWS = 256
"""Strings compared at a time."""


def open_index(vocabulary: Vocabulary) -> tuple[Any, TfidfVectorizer, list[str]]:
    """(index, vectorizer, the spelling at each place of the index), from the cache or built and kept there."""
    code = code_fingerprint("terms.extraction.neighbours")
    place = cache_folder() / "linkers" / f"{vocabulary.hash[:32]}-{code[:16]}"
    with suppress(OSError, ValueError, EOFError, KeyError):
        if place.is_dir():
            names = json.loads((place / "names.json").read_text(encoding="utf-8"))
            vectors, stored = scipy.sparse.load_npz(place / "vectors.npz"), place / "index.bin"
            return index_of(vectors, stored), joblib.load(place / "vectorizer.joblib"), names
    vectorizer, vectors, names = vectors_of(vocabulary)
    index = index_of(vectors)
    with suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        part = Path(mkdtemp(dir=place.parent, prefix=".part-"))
        joblib.dump(vectorizer, part / "vectorizer.joblib")
        scipy.sparse.save_npz(part / "vectors.npz", vectors, compressed=False)
        (part / "names.json").write_text(json.dumps(names), encoding="utf-8")
        if not isinstance(index, ExactIndex):
            index.saveIndex(str(part / "index.bin"), save_data=False)
        part.rename(place)  # refused where another process was quicker
    return index, vectorizer, names


def vectors_of(vocabulary: Vocabulary) -> tuple[TfidfVectorizer, scipy.sparse.csr_matrix, list[str]]:
    """TF-IDF of character 3-grams (as scispaCy has it) of every spelling; strings without any 3-gram are left out."""
    names = list(dict.fromkeys(name for name, _ in vocabulary.aliases()))
    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 3), min_df=1, dtype=np.float32)
    vectors = vectorizer.fit_transform(names)
    full = np.diff(vectors.indptr) > 0  # nmslib crashes on an empty vector
    return vectorizer, vectors[full], [name for name, has in zip(names, full, strict=True) if has]


def index_of(vectors: scipy.sparse.csr_matrix, stored: Path | None = None) -> Any:
    """An index over `vectors` [spellings, 3-grams], as `CandidateGenerator` asks one; HNSW may lie in `stored`."""
    if vectors.shape[0] <= EXACT:
        return ExactIndex(vectors)
    index = nmslib.init(method="hnsw", space="cosinesimil_sparse", data_type=nmslib.DataType.SPARSE_VECTOR)
    index.addDataPointBatch(vectors)
    if stored:
        index.loadIndex(str(stored), load_data=False)
    else:
        index.createIndex({"M": M, "efConstruction": EF_CONSTRUCTION, "post": 0})
    index.setQueryTimeParams({"efSearch": EF_SEARCH})
    return index


class ExactIndex:
    """Every vector compared; answers as nmslib's index does."""

    def __init__(self, vectors: scipy.sparse.csr_matrix) -> None:
        self.transposed = vectors.T.tocsr()

    def knnQueryBatch(
        self, vectors: scipy.sparse.csr_matrix, k: int
    ) -> list[tuple[NDArray[np.int32], NDArray[np.float32]]]:
        """For each row the `k` nearest places, the nearest first, and their cosine distances. Vectors have length 1."""
        found = []
        for begin in range(0, vectors.shape[0], ROWS):
            similar = (vectors[begin : begin + ROWS] @ self.transposed).tocsr()
            for row in range(similar.shape[0]):
                part = slice(similar.indptr[row], similar.indptr[row + 1])
                places, values = similar.indices[part], similar.data[part]
                nearest = np.lexsort((places, -values))[:k]
                found.append((places[nearest], 1 - values[nearest]))
        return found
