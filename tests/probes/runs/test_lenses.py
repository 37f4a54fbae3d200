"""How a run reads layers: the choice of layers, the tuned lens from training to the page, what is not done twice."""

import json

import knowshift
import pytest
from knowshift.errors import RunError, UsageError
from knowshift.models import lens_training
from knowshift.probes.runs.lenses import open_source, tuned_lens
from knowshift.probes.runs.settings import Settings, settings_from
from knowshift.reports.page import render
from tiny import CORPUS, LAYERS, make_tokenizer, tiny_model

OPTIONS = {"own": "neurology", "limit": 3}


SHORT = lens_training.Schedule(steps=8, tokens=128, window=64)


@pytest.fixture(autouse=True)
def trainings(monkeypatch):
    """The bases that a lens is trained for, in a moment."""
    seen, train, recipe = [], lens_training.train, lens_training.recipe

    def spy(base, *args, **options):
        seen.append(base.name)
        return train(base, *args, **options, schedule=SHORT)

    monkeypatch.setattr(lens_training, "train", spy)
    monkeypatch.setattr(lens_training, "recipe", lambda *args: recipe(*args[:3], SHORT))
    return seen


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    path = tmp_path_factory.mktemp("texts") / "notes.txt"
    path.write_text("\n".join(CORPUS))
    return path


@pytest.fixture(scope="module")
def deeper(house, tmp_path_factory):
    """A full fine-tune with a layer more than its base."""
    folder, tokenizer = tmp_path_factory.mktemp("deeper") / "neuro_deep", make_tokenizer("byte_bpe")
    tiny_model("llama", vocab_size=len(tokenizer), num_hidden_layers=LAYERS + 1).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def compare(house, tuned="neuro_lora", **options):
    return knowshift.compare(house / "base", house / tuned, domain=str(house / "domain"), **{**OPTIONS, **options})


def record(run):
    return json.loads((run.run / "run.json").read_text())


def by_layer(run, model="neuro_lora"):
    """View and rung -> one estimate a layer."""
    views = run.models[model].by_layer
    return {(view, rung): [one.value for one in every] for view in views for rung, every in views[view].items()}


def test_chosen_layers_give_what_all_of_them_give(house, tmp_path):
    whole = compare(house, out=tmp_path / "all")
    assert (whole.result.lens, whole.result.layers, whole.result.layer_numbers) == ("raw", 3, (0, 1, 2))
    for layers, numbers in ((2, [0, 2]), ("1,", [1, 2]), ([0], [0, 2]), ("3", [2])):
        some = compare(house, layers=layers, out=tmp_path / "-".join(map(str, numbers)))
        assert (some.result.layers, some.result.layer_numbers) == (len(numbers), tuple(numbers))
        assert record(some)["lens"] == {"kind": "raw", "layers": numbers}
        for model in ("base", "neuro_lora"):
            every, chosen = (run.scores(model) for run in (whole, some))
            for column in ("lens", "rank"):
                taken = [[row[number] for number in numbers] for row in every[column].to_list()]
                assert chosen[column].to_list() == [pytest.approx(row, abs=1e-5) for row in taken]
            assert chosen.drop("lens", "rank").equals(every.drop("lens", "rank"))
        for key, every in by_layer(whole).items():
            assert by_layer(some)[key] == pytest.approx([every[number] for number in numbers], abs=1e-5)
        render(some.run)
    with pytest.raises(RunError, match=r"another run lies there \(it differs in: lens\)"):
        compare(house, layers="0,", out=tmp_path / "all")


def test_a_choice_of_layers_has_scores_of_its_own_in_the_cache(house, tmp_path):
    compare(house, layers=2, out=tmp_path / "some")
    assert compare(house, out=tmp_path / "all").scores("base")["lens"].list.len().unique().to_list() == [3]
    assert compare(house, layers="0,", out=tmp_path / "again").scores("base")["lens"].list.len().max() == 2


def test_a_tuned_lens_from_training_to_the_page(house, texts, tmp_path, trainings):
    run = compare(house, lens="tuned", lens_data=texts, out=tmp_path / "run")
    assert trainings == ["base"]
    said = record(run)["lens"]
    assert (said["kind"], said["given"], said["data"]) == ("tuned", str(texts), "notes.txt")
    assert said["recipe"]["base"] == record(run)["hashes"]["base"]
    assert said["tokens"] > said["held_out_tokens"] > 0
    assert len(said["losses"]["raw"]) == len(said["losses"]["tuned"]) == LAYERS - 1
    raw = compare(house, out=tmp_path / "raw")
    for model in ("base", "neuro_lora"):
        ours, theirs = run.scores(model), raw.scores(model)
        assert ours.drop("lens", "rank").equals(theirs.drop("lens", "rank"))
        lenses = zip(ours["lens"].to_list(), theirs["lens"].to_list(), strict=True)
        assert all(a[-1] == b[-1] and a[0] != b[0] for a, b in lenses)
    assert run.models["neuro_lora"].rungs == raw.models["neuro_lora"].rungs
    checks = [check for check in run.models["neuro_lora"].validity if check.check.startswith("last lens layer")]
    assert len(checks) == 2
    assert all(check.passed for check in checks)
    page, other = (render(each.run).read_text() for each in (run, raw))
    assert "Read through a tuned lens (Belrose et al. 2023)" in page
    assert f"tokens of {texts.name}" in page
    assert "Read through the raw logit lens" in other
    assert "tuned lens (Belrose et al. 2023):" not in other


def test_a_lens_is_trained_once(house, texts, tmp_path, trainings, monkeypatch):
    lens = {"lens": "tuned", "lens_data": texts}
    first = compare(house, out=tmp_path / "a", **lens)
    scores = {path.name: path.read_bytes() for path in (first.run / "scores").iterdir()}
    compare(house, "cardio_lora", out=tmp_path / "b", own="cardiology", layers="0,", **lens)
    assert trainings == ["base"], "another model, and other layers, take it from the cache"
    held = (first.run / "lens.safetensors").read_bytes()
    assert (tmp_path / "b" / "lens.safetensors").read_bytes() == held

    monkeypatch.setenv("KNOWSHIFT_CACHE", str(tmp_path / "empty"))
    compare(house, out=first.run, **lens)
    assert trainings == ["base"], "the run has its own"
    given = compare(house, lens_data=first.run / "lens.safetensors", out=tmp_path / "c")
    assert trainings == ["base"], "it was given"
    assert {path.name: path.read_bytes() for path in (given.run / "scores").iterdir()} == scores
    assert given.result.lens == "tuned"
    assert record(given)["lens"]["recipe"] == record(first)["lens"]["recipe"]

    for file in ((first.run / "lens.safetensors"), *(tmp_path / "empty").rglob("*.safetensors")):
        file.write_bytes(held[:-3])
    compare(house, out=first.run, **lens)
    assert trainings == ["base", "base"], "a damaged one is trained anew"
    assert (first.run / "lens.safetensors").read_bytes() == held
    compare(house, out=tmp_path / "d", seed=1, **lens)
    assert len(trainings) == 3, "another seed is another lens"


def test_what_cannot_be_trained_is_said_before_a_weight_is_read(house, tmp_path, monkeypatch):
    few = tmp_path / "few.txt"
    few.write_text("Too short.")
    monkeypatch.setattr(knowshift.Checkpoint, "load", lambda self: pytest.fail("weights are read"))
    with pytest.raises(UsageError, match=r"^--lens-data few\.txt: holds \d tokens "):
        compare(house, lens="tuned", lens_data=few, out=tmp_path / "run")
    with pytest.raises(UsageError, match=r"^--layers 7: base has 3 layers; give numbers from 0 to 2$"):
        compare(house, layers="0,7", out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_lens_of_another_base_is_refused(house, texts, tmp_path):
    run = compare(house, lens="tuned", lens_data=texts, out=tmp_path / "run")
    lens = run.run / "lens.safetensors"
    with pytest.raises(UsageError, match=r"lens\.safetensors: was trained on another base \(base, "):
        knowshift.compare(
            house / "cardio_full",
            house / "base",
            domain=str(house / "domain"),
            own="none",
            lens_data=lens,
            out=tmp_path / "other",
        )


def test_a_deeper_fine_tune_is_read_at_its_end_alone(house, deeper, tmp_path):
    notes = []
    run = knowshift.compare(
        house / "base",
        [deeper, house / "cardio_lora"],
        domain=str(house / "domain"),
        limit=3,
        out=tmp_path / "run",
        note=notes.append,
    )
    why = "has 4 layers, the base 3"
    assert f"neuro_deep: {why}; no layers are read of it, and what its last one says stands alone" in notes
    assert run.models["neuro_deep"].unread_layers == why
    assert run.models["neuro_deep"].rungs["knowledge"].value is not None
    assert all(check.passed for check in run.models["neuro_deep"].validity)
    assert run.scores("neuro_deep")["lens"].is_null().all()
    assert not any(by_layer(run, "neuro_deep").values())
    assert all(len(every) == 3 for every in by_layer(run, "cardio_lora").values())
    assert f"neuro_deep {why}; no layers are read of it." in render(run.run).read_text()


def test_one_text_is_shown_through_either_lens(house, texts, deeper):
    shown = house / "base", [house / "neuro_lora"], "The patient denies chest pain."
    raw, some = knowshift.lens(*shown), knowshift.lens(*shown, layers="0,")
    assert (raw.layers, some.layers, raw.lens.kind) == ([0, 1, 2], [0, 2], "raw")
    tuned = knowshift.lens(*shown, translators=lambda root: tuned_lens(root, open_source(texts, root)))
    assert tuned.lens.kind == "tuned"
    assert tuned.lens.data == "notes.txt"
    for every, chosen, carried in zip(raw.models, some.models, tuned.models, strict=True):
        for key in ("logprob", "rank", "top"):
            assert getattr(chosen, key) == [getattr(every, key)[0], getattr(every, key)[2]]
            assert getattr(carried, key)[-1] == getattr(every, key)[-1]
        assert carried.logprob[0] != every.logprob[0]
    with pytest.raises(
        UsageError, match=r"^neuro_deep: has 4 layers, the base 3; they cannot be shown layer by layer; "
    ):
        knowshift.lens(house / "base", [deeper], "A text.")


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({}, "raw"),
        ({"lens": True}, "raw"),
        ({"lens": False}, "none"),
        ({"lens": "none"}, "none"),
        ({"lens_data": "x/lens.safetensors"}, "tuned"),
        ({"lens": "tuned", "lens_data": "notes.txt"}, "tuned"),
    ],
)
def test_the_lens_in_words(options, kind):
    assert settings_from(None, options).lens == kind
    assert settings_from(Settings(**options), {}).lens == kind


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"lens": "blue"}, "--lens blue: no such lens; give raw, tuned, none"),
        ({"lens": "tuned"}, "--lens tuned: give --lens-data FILE, "),
        ({"lens_data": "notes.txt"}, "--lens-data notes.txt: is for a tuned lens, and the lens is raw; "),
        ({"lens": "raw", "lens_data": "x.safetensors"}, "--lens-data x.safetensors: is for a tuned lens, "),
        ({"lens": False, "layers": 4}, "--layers 4: no layer is read with --lens none; "),
        ({"lens": "tuned", "lens_data": "a.txt", "remote": True}, "--lens-data a.txt: with --remote no lens can be"),
        ({"layers": "few"}, "--layers few: give all, "),
    ],
)
def test_what_does_not_fit_together(options, line):
    with pytest.raises(UsageError) as caught:
        settings_from(None, options)
    assert str(caught.value).startswith(line)
    assert "\n" not in str(caught.value)
