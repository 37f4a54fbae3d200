"""Everything a user can cause, as one tree; each message is one line: what, what was expected, what to do.

    KnowshiftError                exit code 2
    ├── UsageError                an option or argument that cannot be taken as it is
    ├── DomainError               a domain folder or a record in it
    ├── VocabularyError           a vocabulary's source, or its compiled file
    ├── CorpusError               documents to extract terms from, or a list of terms and its mentions
    ├── CheckpointError           a model, tokenizer or adapter that cannot be opened
    │   └── AdapterError          an adapter that does not fit its base
    ├── EngineError               a backend that cannot serve a model, or is not installed
    ├── ItemError                 an item that cannot be scored (a target longer than the context)
    ├── RunError                  a run directory: another run's, unfinished, or not writable
    └── ValidityError             exit code 3: a check failed, so no verdict may be given

Read by: every room. The command prints the message plainly and exits with `exit_code`; `--debug` shows the
traceback.
"""

from __future__ import annotations


class KnowshiftError(Exception):
    """Base of all errors a user can cause."""

    exit_code = 2


class UsageError(KnowshiftError):
    """An option or argument that cannot be taken as it is."""


class DomainError(KnowshiftError):
    """A domain folder that cannot be read, or a record in it that is not as the format asks."""


class CorpusError(KnowshiftError):
    """Documents to extract terms from, or what was extracted, that cannot be read."""


class VocabularyError(KnowshiftError):
    """A vocabulary's source that cannot be read, or a file that is not a compiled vocabulary."""


class CheckpointError(KnowshiftError):
    """A model, tokenizer or weight file that cannot be opened."""


class AdapterError(CheckpointError):
    """An adapter that does not fit the base it is put on."""


class EngineError(KnowshiftError):
    """A backend that cannot serve a model, is not installed, or cannot be reached."""


class ItemError(KnowshiftError):
    """An item that cannot be scored with this model."""


class RunError(KnowshiftError):
    """A run directory that belongs to another run, is unfinished, or cannot be written."""


class ValidityError(KnowshiftError):
    """A validity check failed; the numbers would not mean what the report says they mean."""

    exit_code = 3


def first_line(error: BaseException) -> str:
    """The first sentence of a library's message, which may go on for pages; the error's name where it says nothing."""
    lines = (line.strip() for line in str(error).splitlines())
    first = next((line for line in lines if line), type(error).__name__)
    return first.split(". ")[0].rstrip(".:")
