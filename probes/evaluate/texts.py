"""Metrics of written answers against a reference: ROUGE and BERTScore by their libraries, UMLS F1 by our linker.

An empty answer scores 0 on each. Texts are compared in normal form. UMLS F1 (CLUE, arXiv 2404.04067): F1 of the sets of
linked concepts of answer and reference; where the reference holds none, there is nothing to find, and the answer has no
value.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...errors import UsageError, first_line
from ...terms.normal_form import normal_form
from .language_model import INSTALL

ROUGE = {"rouge1": "ROUGE-1", "rouge2": "ROUGE-2", "rougeL": "ROUGE-L"}
Scores = dict[str, list[float | None]]
"""By metric, one number an answer; None where it has none."""


def rouge(answers: Sequence[str], references: Sequence[str]) -> Scores:
    """F-measures, without stemming (the settings of the published study's library)."""
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(list(ROUGE), use_stemmer=False)
    made: Scores = {name: [] for name in ROUGE.values()}
    for answer, reference in zip(answers, references, strict=True):
        found = scorer.score(normal_form(reference), normal_form(answer))
        for key, name in ROUGE.items():
            made[name].append(float(found[key].fmeasure))
    return made


class BertScore:
    """BERTScore's F1 with a model from a local folder. Raises `UsageError` where it cannot be opened.

    The layer that agreed best with people is known to the library by the model's name, here the folder's; of another
    model, the last one is read. Either way `layer` says it.
    """

    def __init__(self, folder: Path, device: str = "cpu") -> None:
        if not (folder / "config.json").is_file():
            raise UsageError(f"--bertscore {folder}: holds no model; give a folder with config.json and its weights")
        try:
            from bert_score import BERTScorer
            from bert_score.utils import model2layers
            from transformers import AutoConfig

            config = AutoConfig.from_pretrained(folder)
            last = config.num_hidden_layers
            known = {name.rsplit("/", 1)[-1]: layers for name, layers in model2layers.items()}
            name = folder.absolute().name
            layer = known.get(name, last + 1)
            why = f"the package's choice for {name}"
            if layer > last:
                layer, why = last, f"the last: the package knows none for a model in a folder called {name}"
            self.layer = f"BERTScore read at layer {layer} of {last}, {why}"
            self._scorer: Any = BERTScorer(model_type=str(folder), num_layers=layer, device=device)
            tokenizer = self._scorer._tokenizer
            tokenizer.model_max_length = min(tokenizer.model_max_length, config.max_position_embeddings)
        except ImportError as error:
            raise UsageError(f"--bertscore: the package bert-score is not installed; {INSTALL}") from error
        except (OSError, ValueError, KeyError) as error:
            raise UsageError(
                f"--bertscore {folder}: cannot be opened ({first_line(error)}); give an encoder's folder"
            ) from error

    def __call__(self, answers: Sequence[str], references: Sequence[str]) -> Scores:
        held = [index for index, answer in enumerate(answers) if answer.strip()]
        out: list[float | None] = [0.0] * len(answers)
        if held:
            written = ([normal_form(texts[i]) for i in held] for texts in (answers, references))
            found = self._scorer.score(*written)
            for index, value in zip(held, found[2].tolist(), strict=True):
                out[index] = float(value)
        return {"BERTScore": out}


class UmlsF1:
    """F1 of linked concepts, the linker's best one for each mention."""

    def __init__(self, vocabulary: Path) -> None:
        from ...terms.extraction.linker import Linker
        from ...terms.extraction.linking import LinkerSettings
        from ...terms.vocabulary.compiled import Vocabulary

        self._linker = Linker(Vocabulary.open(vocabulary), LinkerSettings())

    def __call__(self, answers: Sequence[str], references: Sequence[str]) -> Scores:
        said, meant = (
            [{linked.concept for linked in mentions} for mentions in self._linker.mentions(list(texts))]
            for texts in (answers, references)
        )
        return {"UMLS F1": [set_f1(one, other) if other else None for one, other in zip(said, meant, strict=True)]}


def set_f1(said: set[str], meant: set[str]) -> float:
    """2·|both| / (|said| + |meant|); 0 where nothing was said."""
    return 2 * len(said & meant) / (len(said) + len(meant)) if said and meant else 0.0
