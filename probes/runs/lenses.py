"""How a comparison reads layers: planned from the options, opened when scoring begins.

A tuned lens is trained once for a base, a file of texts and a seed: it lies in the cache under the hash of its recipe
and beside each run that reads through it. Read by `probes.runs.compare` and the command `probe lens`.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import UsageError
from ...models.choices import LENS_FILE
from ...models.layers import LayerSpec, Lens, choose_layers, is_trained, misfit
from ...progress import Progress
from ...storage import cache_folder
from . import cache
from .processes import ALONE, Processes

if TYPE_CHECKING:
    from ...models.checkpoint import Checkpoint
    from ...models.lens_training import TrainingData
    from ...models.translators import Translators

    Source = TrainingData | Translators
    """What a tuned lens comes from: texts, or it is there already."""


@dataclass(frozen=True, slots=True)
class LensPlan:
    """Which lens, before anything has run."""

    kind: str
    """One of `models.choices.LENSES`."""
    layers: tuple[int, ...] = ()
    """Zero-based; none where no lens is read."""
    given: Path | None = None
    source: Source | None = None
    """Of a tuned lens."""
    seed: int = 0
    key: str | None = None
    """SHA-256 (hex) of all that decides a tuned lens."""

    @classmethod
    def of(cls, base: Checkpoint, kind: str, layers: LayerSpec, data: Path | None, seed: int) -> LensPlan:
        """What is asked for, read and checked against the base. Raises `UsageError`, `DomainError`."""
        if kind == "none":
            return NO_LENS
        chosen = choose_layers(layers, len(base.anatomy.layers), base.name)
        if data is None:
            return cls(kind, chosen, seed=seed)
        source = open_source(data, base)
        return cls(kind, chosen, data, source, seed, _key(source, base, seed))

    @property
    def texts(self) -> TrainingData | None:
        """What a tuned lens is trained on, where it is not given."""
        from ...models.lens_training import TrainingData

        return self.source if isinstance(self.source, TrainingData) else None

    def misfit(self, base: Checkpoint, tuned: Checkpoint) -> str:
        """Why no layers of a tuned model are read; empty where they are, or none are asked for."""
        return "" if self.kind == "none" else misfit(base.anatomy, tuned.anatomy, self.source is not None)

    @property
    def identity(self) -> dict[str, Any]:
        """What of it makes a run this run, and a model's scores these scores."""
        return {"kind": self.kind, "layers": self.layers, "recipe": self.key}

    def open(
        self, base: Checkpoint, run: Path | None = None, progress: Progress | None = None, here: Processes = ALONE
    ) -> Lens | None:
        """Return the lens; a tuned one is trained where it is not there yet. `base` must be in memory."""
        if self.kind == "none":
            return None
        if self.source is None:
            return Lens(self.layers)
        return Lens(self.layers, tuned_lens(base, self.source, self.seed, run, progress, here))

    def record(self, lens: Lens | None) -> dict[str, Any]:
        """What the run's record says of it."""
        about = {"kind": self.kind, "layers": self.layers}
        if lens is None or lens.translators is None:
            return about
        return {**about, "given": str(self.given), **lens.translators.record}


NO_LENS = LensPlan("none")


def open_source(path: Path, base: Checkpoint) -> Source:
    """A trained lens of that base, or texts enough to train one on. Raises `UsageError`, `DomainError`."""
    from ...models.lens_training import TrainingData, windows_of
    from ...models.translators import Translators

    if is_trained(path):
        return Translators.open(path, base)
    data = TrainingData.read(path)
    windows_of(base, data)
    return data


def tuned_lens(
    base: Checkpoint,
    source: Source,
    seed: int = 0,
    run: Path | None = None,
    progress: Progress | None = None,
    here: Processes = ALONE,
) -> Translators:
    """Return the lens: as given, from the folder `run` or the cache, or trained now; then it lies in both.

    Of a launcher's processes the first trains it, and the others read it from `run`.
    """
    from ...models.lens_training import TrainingData, train

    key = _key(source, base, seed)
    kept = _kept(key)
    places = [kept] if run is None else [run / LENS_FILE, kept]
    if run is not None and not here.is_first:
        file = run / LENS_FILE
        return here.wait(lambda: _found(file, base, key), file).to(base.anatomy.exit)
    if isinstance(source, TrainingData):
        found = next(filter(None, (_found(path, base, key) for path in places)), None)
        lens = found or train(base, source, seed=seed, progress=progress)
    else:
        lens = source
    with suppress(OSError):  # a cache that cannot be written is no reason to stop
        lens.save(kept)
    if run is not None:
        lens.save(run / LENS_FILE)
    return lens.to(base.anatomy.exit)


def _key(source: Source, base: Checkpoint, seed: int) -> str:
    """SHA-256 (hex) of all that decides the lens."""
    from ...models.lens_training import TrainingData, recipe

    if isinstance(source, TrainingData):
        return cache.score_key(recipe(base, source, seed))
    key = cache.score_key(source.record["recipe"])
    kept = _found(_kept(key), base, key)
    # One recipe gives other maps on another machine, which are another lens.
    return key if kept is None or kept.digest == source.digest else cache.score_key({"maps": source.digest})


def _kept(key: str) -> Path:
    return cache_folder() / key[:2] / f"{key}.safetensors"


def _found(path: Path, base: Checkpoint, key: str) -> Translators | None:
    """The lens of that recipe at `path`; one that is damaged or another's is as if it were not there."""
    from ...models.translators import Translators

    if path.is_file():
        with suppress(UsageError):
            found = Translators.open(path, base)
            if cache.score_key(found.record["recipe"]) == key:
                return found
    return None
