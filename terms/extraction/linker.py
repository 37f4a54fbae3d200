"""Mentions of a vocabulary's concepts: a scispaCy pipeline with abbreviations resolved before linking.

    tokens → spans (a model's entities, or the vocabulary's own names) → abbreviations → EntityLinker → mentions

Without a model the spans are names of the vocabulary as `terms.match` finds them, so that everyday words are not
linked to short aliases. Abbreviations are Schwartz and Hearst's (2003, scispaCy's detector): where a text defines one,
every occurrence is linked as its long form, whatever the vocabulary knows under those letters. A pipeline of the
user's own (medspaCy's ConText, say) may mark entities as negated; that is kept.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping

import spacy
from scispacy.abbreviation import AbbreviationDetector, filter_matches, find_abbreviation
from scispacy.linking import EntityLinker
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.util import filter_spans
from spacy.vocab import Vocab

from ...errors import UsageError
from ..match import EVERYDAY, find
from ..normal_form import TOKEN, NormalForm
from ..vocabulary.compiled import Vocabulary
from ..words import STOP_WORDS
from .candidates import Candidates
from .linking import LinkedMention, LinkerSettings

MODELS = ("en_core_sci_sm", "en_core_sci_md", "en_core_sci_lg", "en_core_sci_scibert")
RELEASE = "https://s3-us-west-2.amazonaws.com/ai2-s2-scispacy/releases/v0.5.4/{name}-0.5.4.tar.gz"
LABEL = "ENTITY"
"""scispaCy's models call everything so."""
TIE = 1e-6
"""Scores this near are equal."""


class Linker:
    """Links texts, one after the other. Raises UsageError where the settings do not fit the vocabulary."""

    def __init__(self, vocabulary: Vocabulary, settings: LinkerSettings) -> None:
        settings.check(vocabulary)
        self.vocabulary = vocabulary
        self.settings = settings
        self.nlp = load_pipeline(settings.model)
        self.detector = AbbreviationDetector(self.nlp)
        self.linker = EntityLinker(
            candidate_generator=Candidates(vocabulary, frozenset(settings.types) if settings.types else None),
            resolve_abbreviations=True,
            k=settings.neighbours,
            threshold=min(settings.threshold, 1 - TIE),  # the linker asks for more than the threshold
            filter_for_definitions=False,  # its default drops every concept without a definition
            max_entities_per_mention=settings.neighbours,
        )

    def mentions(self, texts: Iterable[str]) -> Iterator[list[LinkedMention]]:
        """The mentions of each text, in their order; offsets are characters of the text as given."""
        forms = ((form.text, form) for form in map(NormalForm.of, texts))
        for doc, form in self.nlp.pipe(forms, batch_size=16, as_tuples=True):
            if self.settings.model is None:
                doc.ents = list(self._named(doc))
            self._abbreviate(doc)
            yield list(self._linked(self.linker(doc), form))

    def _named(self, doc: Doc) -> Iterator[Span]:
        for span in find(self.vocabulary, doc.text, linking=True):
            named = doc.char_span(span.start, span.end, label=LABEL, alignment_mode="strict")
            assert named is not None  # the tokenizer cuts where the matcher does
            yield named

    def _abbreviate(self, doc: Doc) -> None:
        """Makes abbreviations entities; one goes before a name of the same place, not before a longer name."""
        with warnings.catch_warnings():
            # Where a text defines no abbreviation, the detector's own matcher is empty and spaCy says so each time.
            warnings.filterwarnings("ignore", message=r"\[W036\]")
            doc = self.detector(doc)
        definitions = self._definitions(doc)
        for span in doc._.abbreviations:
            span._.long_form = _nearest(definitions.get(span.text, []), span) or span._.long_form
        short = [Span(doc, s.start, s.end, label=LABEL) for s in doc._.abbreviations if _is_one(s)]
        kept = {(span.start, span.end) for span in short}
        for span in doc._.abbreviations:
            if (span.start, span.end) not in kept:
                span._.long_form = None
        doc.ents = filter_spans([*sorted(short), *doc.ents])

    def _definitions(self, doc: Doc) -> dict[str, list[tuple[Span, Span]]]:
        """Return every (short form, long form) that the text defines, in order, by the short form's letters.

        The detector itself keeps the first definition alone, and gives it to every use.
        """
        out: dict[str, list[tuple[Span, Span]]] = {}
        inside = [(match, start + 1, end - 1) for match, start, end in self.detector.matcher(doc)]
        for long_candidate, short_candidate in filter_matches(inside, doc):
            short, long = find_abbreviation(long_candidate, short_candidate)
            if long is not None:
                out.setdefault(short.text, []).append((short, long))
        return {text: sorted(pairs, key=lambda pair: pair[0].start) for text, pairs in out.items()}

    def _linked(self, doc: Doc, form: NormalForm) -> Iterator[LinkedMention]:
        for span in doc.ents:
            if not span._.kb_ents:
                continue
            (concept, score), *others = span._.kb_ents
            long_form = span._.long_form
            yield LinkedMention(
                *form.place(span.start_char, span.end_char),
                concept,
                round(float(min(score, 1.0)), 6),
                tuple(other for other, value in others if value >= score - TIE),
                long_form.text if isinstance(long_form, Span) else str(long_form or ""),
                bool(span._.is_negated) if Span.has_extension("is_negated") else None,
            )


def _nearest(definitions: list[tuple[Span, Span]], use: Span) -> Span | None:
    """Return the long form of the last definition at or before a use, else of the first one after it."""
    before = [long for short, long in definitions if short.start <= use.start]
    return before[-1] if before else next((long for _, long in definitions), None)


def _is_one(short: Span) -> bool:
    """The detector takes any word in brackets, and any words before it that hold its letters."""
    first = short._.long_form[0].lower_
    return short.text != short.text.lower() and first not in EVERYDAY and first not in STOP_WORDS


def load_pipeline(model: str | None) -> Language:
    """The model's pipeline; without one, a blank English pipeline that cuts at the edges of words.

    `model` is an installed package or a folder. Raises UsageError with the line that installs it where it is missing.
    """
    if model is None:
        nlp = spacy.blank("en")
        nlp.tokenizer = _Words(nlp.vocab)
        return nlp
    try:
        return spacy.load(model)
    except (OSError, ImportError) as error:
        if model in MODELS:
            raise UsageError(f"--model {model}: not installed; pip install {RELEASE.format(name=model)}") from error
        known = ", ".join(MODELS)
        raise UsageError(
            f"--model {model}: no such spaCy pipeline; give a package, a folder, or one of {known}"
        ) from error


def word_classes(texts: Mapping[str, str], model: str) -> dict[str, dict[int, str]] | None:
    """Parts of speech (universal tags) of each text's tokens by the character where they start.

    None where the pipeline does not tag.
    """
    nlp = load_pipeline(model)
    out = {}
    for id, doc in zip(texts, nlp.pipe(texts.values(), batch_size=16), strict=True):
        if not doc.has_annotation("POS"):
            return None
        out[id] = {token.idx: token.pos_ for token in doc if not token.is_space}
    return out


class _Words:
    """A tokenizer that cuts where names are matched, so that every mention is a span of whole tokens."""

    def __init__(self, vocab: Vocab) -> None:
        self.vocab = vocab

    def __call__(self, text: str) -> Doc:
        words: list[str] = []
        spaces: list[bool] = []
        for match in TOKEN.finditer(text):
            word = match.group()
            if word[0] == " " and words and not spaces[-1]:
                spaces[-1], word = True, word[1:]
            if word:
                words.append(word)
                spaces.append(False)
        return Doc(self.vocab, words=words, spaces=spaces)
