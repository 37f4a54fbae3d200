"""Puts the helpers of this folder (`from tiny import tiny_model`) on the path, and keeps every test off the hub."""

import gc
import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
if "PYTEST_XDIST_WORKER" in os.environ:
    # Workers that take a core each; more threads would only wait for each other.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parent))
# A busy machine is no failure.
settings.register_profile("knowshift", deadline=None)
settings.load_profile("knowshift")


LONGEST = (
    "test_truth.py",
    "test_notebooks.py",
    "test_way.py",
    "test_written_suites.py",
    "test_compare.py",
    "test_axe.py",
    "test_adapters.py",
    "test_hypotheses.py",
)
"""Files that take most of a minute, first, so that no worker has one left when the others are done."""
WHOLE = {"house", "browser"}
"""Fixtures whose tests run a whole command or a browser."""


@pytest.hookimpl(tryfirst=True)  # before pytest selects by marker
def pytest_collection_modifyitems(items):
    for item in items:
        if WHOLE.intersection(item.fixturenames):
            item.add_marker(pytest.mark.heavy)
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


def pytest_collection_finish():
    # Each full collection, of which a model that is let go asks for one, would go through all that was imported.
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    """No test reads or fills the user's score cache."""
    monkeypatch.setenv("KNOWSHIFT_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="session")
def house(tmp_path_factory):
    """A folder of things to compare: base, neuro_lora, cardio_lora, cardio_full (all weights tuned), domain."""
    import torch
    from house import write_adapter, write_domain
    from tiny import make_tokenizer, tiny_model

    folder = tmp_path_factory.mktemp("house")
    tokenizer = make_tokenizer("byte_bpe")
    model = tiny_model("llama", vocab_size=len(tokenizer))
    for name, shift in (("base", 0.0), ("cardio_full", 0.02)):
        with torch.random.fork_rng(), torch.no_grad():
            torch.manual_seed(7)
            for weight in model.parameters():
                weight.add_(shift * torch.randn_like(weight))
        model.save_pretrained(folder / name)
        tokenizer.save_pretrained(folder / name)
    for seed, name in enumerate(("neuro_lora", "cardio_lora")):
        write_adapter(folder / name, tiny_model("llama", vocab_size=len(tokenizer)), seed)
    write_domain(folder / "domain")
    return folder


@pytest.fixture(scope="session")
def finished(house):
    """A finished run of both adapters; its scores stand in the `cache` beside it."""
    from house import command
    from knowshift.cli import main

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KNOWSHIFT_CACHE", str(house / "cache"))
        with pytest.raises(SystemExit, match=r"^0$"):
            main(command(house, out=house / "run"))
    return house / "run"


@pytest.fixture
def strange(tmp_path, monkeypatch):
    """Installs a package called `strange` beside ours, of this code and these entry points."""
    about = tmp_path / "strange-1.0.dist-info"

    def install(code, entry_points):
        about.mkdir()
        (tmp_path / "strange.py").write_text(code)
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: strange\nVersion: 1.0\n")
        (about / "entry_points.txt").write_text(entry_points)
        monkeypatch.syspath_prepend(tmp_path)

    yield install
    # Another test of this process has a package of the same name.
    sys.modules.pop("strange", None)


@pytest.fixture
def probe(capsys):
    """Calls the command in this process; exit code, standard output, standard error."""
    from knowshift.cli import main

    def call(*arguments):
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main([str(argument) for argument in arguments])
        return (end.value.code, *capsys.readouterr())

    return call
