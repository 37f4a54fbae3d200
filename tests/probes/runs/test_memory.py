"""What a comparison holds in memory, and how often it runs a model: by the models themselves, not by what is said."""

import gc
import shutil
import weakref

import knowshift
import pytest
from house import write_adapter
from knowshift.errors import AdapterError, CheckpointError, ValidityError
from knowshift.models.checkpoint import Checkpoint
from knowshift.models.engines.hooks import HooksEngine
from knowshift.probes.runs.compare import _claim, _score
from knowshift.probes.runs.plan import plan_comparison
from knowshift.probes.runs.settings import settings_from
from tiny import make_tokenizer, tiny_model, trained_bytes, wrapped

pytestmark = pytest.mark.heavy


@pytest.fixture(scope="module")
def models(house, tmp_path_factory):
    """Of the house, and beside them: a second full fine-tune, and one with a smaller vocabulary of its own."""
    folder = tmp_path_factory.mktemp("models")
    for name in ("base", "neuro_lora", "cardio_lora", "cardio_full"):
        shutil.copytree(house / name, folder / name)
    smaller = wrapped(trained_bytes(320), bos=False)
    for name, tokenizer in (("neuro_full", make_tokenizer("byte_bpe")), ("gastro_full", smaller)):
        tiny_model("llama", vocab_size=len(tokenizer), seed=len(name)).save_pretrained(folder / name)
        tokenizer.save_pretrained(folder / name)
    return folder


@pytest.fixture
def loads(monkeypatch):
    """Each model that is read: its name, and the names of those whose weights were still in memory then."""
    seen, alive, real = [], [], Checkpoint.load

    def load(self):
        if self._model is not None:
            return real(self)
        if self.base is not None:
            self.base.load()
        gc.collect()
        seen.append((self.name, [name for name, weight in alive if weight() is not None]))
        real(self)
        own = [w for w in self.model.parameters() if not any(w is o() for _, o in alive)]
        alive.append((self.name, weakref.ref(own[0] if self.base is None else own[-1])))
        return self

    monkeypatch.setattr(Checkpoint, "load", load)
    return seen, alive


@pytest.fixture
def passes(monkeypatch):
    """Forward passes of the decoder while scoring, by model."""
    counts, real = {}, HooksEngine.residuals

    def residuals(self, checkpoint, batch, layers):
        counts[checkpoint.name] = counts.get(checkpoint.name, 0) + 1
        return real(self, checkpoint, batch, layers)

    monkeypatch.setattr(HooksEngine, "residuals", residuals)
    return counts


OWN = {"neuro": "neurology", "cardio": "cardiology", "gastro": "gastroenterology"}


def score(base, domain, tuned, out, **options):
    """As far as a comparison runs models: the score files' folder, and each tuned model's checks."""
    own = tuple(f"{path.name}={OWN[path.name.split('_')[0]]}" for path in tuned)
    settings = settings_from(None, {"domain": str(domain), "own": own, "out": out, "passages": 0, **options})
    ready = plan_comparison(base, tuned, settings, lambda _: None)
    _, checks = _score(ready, _claim(ready), None)
    return out / "scores", checks


def test_full_fine_tunes_are_in_memory_one_at_a_time(models, house, loads, tmp_path):
    """Adapters share the base, one at a time; then the base is gone before the first full fine-tune is read."""
    seen, alive = loads
    names = ["cardio_full", "neuro_lora", "neuro_full", "cardio_lora"]
    paths = [models / name for name in names]
    folder, checks = score(models / "base", house / "domain", paths, tmp_path / "run", limit=2)
    assert list(checks) == names
    assert seen == [
        ("base", []),
        # Tried on, before anything is scored.
        ("neuro_lora", ["base"]),
        ("cardio_lora", ["base"]),
        ("neuro_lora", ["base"]),
        ("cardio_lora", ["base"]),
        ("cardio_full", []),
        ("neuro_full", []),
    ]
    gc.collect()
    assert [name for name, weight in alive if weight() is not None] == []
    assert len({(folder / f"{name}.parquet").read_bytes() for name in ["base", *names]}) == 5


def test_what_is_scored_together_is_what_is_scored_alone(models, house, tmp_path, monkeypatch):
    paths = [models / name for name in ("neuro_lora", "cardio_full", "cardio_lora")]
    together, _ = score(models / "base", house / "domain", paths, tmp_path / "run", lens="none")
    monkeypatch.setenv("KNOWSHIFT_CACHE", str(tmp_path / "another"))
    for path in paths:
        alone, _ = score(models / "base", house / "domain", [path], tmp_path / path.name, lens="none")
        ours, theirs = (folder / f"{path.name}.parquet" for folder in (together, alone))
        assert ours.read_bytes() == theirs.read_bytes()


def test_a_model_of_another_vocabulary_is_compared_with_its_base_by_target(models, house, tmp_path):
    tuned = [models / "gastro_full", models / "neuro_lora"]
    run = knowshift.compare(models / "base", tuned, domain=str(house / "domain"), limit=2, out=tmp_path / "run")
    assert run.result.per == "character"
    for name in ("gastro_full", "neuro_lora"):
        checks = {check.check: check for check in run.models[name].validity}
        assert all(check.passed for check in checks.values())
        moved = checks["tuned model differs from base"].value
        base, after = (run.scores(model).select("item", "cue", "role", "logprob") for model in ("base", name))
        both = base.join(after, on=["item", "cue", "role"], suffix="_after")
        assert moved == pytest.approx((both["logprob_after"] - both["logprob"]).abs().max(), rel=1e-6)
        assert moved > 0


def test_a_copy_of_the_base_with_other_files_does_not_pass_for_tuned(models, house, tmp_path):
    shutil.copytree(models / "base", tmp_path / "neuro_full")
    (tmp_path / "neuro_full" / "added_tokens.json").write_text("{}")
    with pytest.raises(ValidityError, match="neuro_full: check failed: tuned model differs from base"):
        knowshift.compare(
            models / "base", [tmp_path / "neuro_full"], domain=str(house / "domain"), limit=2, out=tmp_path / "run"
        )


@pytest.mark.parametrize("adapters", [1, 4])
def test_adapters_cost_a_pass_each_and_the_base_one(adapters, models, house, passes, tmp_path):
    names = [f"neuro_{number}" for number in range(adapters)]
    vocabulary = len(make_tokenizer("byte_bpe"))
    for seed, name in enumerate(names):
        write_adapter(tmp_path / name, tiny_model("llama", vocab_size=vocabulary), seed + 50)
    tuned = [tmp_path / name for name in names]
    score(models / "base", house / "domain", tuned, tmp_path / "run", limit=2)
    assert set(passes) == {"base", *names}
    batches = passes["base"]
    assert batches > 0
    assert set(passes.values()) == {batches}
    passes.clear()
    # A further adapter, in a run of its own, finds the base's scores.
    write_adapter(tmp_path / "neuro_more", tiny_model("llama", vocab_size=vocabulary), 99)
    score(models / "base", house / "domain", [tmp_path / "neuro_more"], tmp_path / "more", limit=2)
    assert passes == {"neuro_more": batches}


def broken_weights(folder):
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])


def other_shape(folder):
    file = folder / "config.json"
    file.write_text(file.read_text().replace('"intermediate_size": 48', '"intermediate_size": 64'))


def no_tokens(folder):
    (folder / "tokenizer.json").write_text("{")


def lost_layer(folder):
    from safetensors.torch import load_file, save_file

    tensors = load_file(folder / "adapter_model.safetensors")
    save_file(
        {name: value for name, value in tensors.items() if "layers.1" not in name}, folder / "adapter_model.safetensors"
    )


@pytest.mark.parametrize(
    ("name", "spoil", "error"),
    [
        ("cardio_full", broken_weights, CheckpointError),
        ("cardio_full", other_shape, CheckpointError),
        ("cardio_full", no_tokens, CheckpointError),
        ("cardio_lora", lost_layer, AdapterError),
    ],
)
def test_what_cannot_be_loaded_is_known_before_any_weight_is_read(name, spoil, error, models, house, loads, tmp_path):
    shutil.copytree(models / name, tmp_path / name)
    spoil(tmp_path / name)
    tuned = [models / "neuro_lora", tmp_path / name]
    with pytest.raises(error, match=name):
        knowshift.compare(models / "base", tuned, domain=str(house / "domain"), out=tmp_path / "run")
    assert loads[0] == []
    assert not (tmp_path / "run").exists()
