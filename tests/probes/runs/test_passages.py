"""Passages: where terms stand, and what each model says of every token there, against the model's own pass."""

import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from knowshift.models.alignment import Encoder
from knowshift.models.engines.hooks import HooksEngine
from knowshift.models.layers import Lens
from knowshift.models.scoring import score
from knowshift.models.template import PLAIN, Template
from knowshift.probes.runs import cache
from knowshift.probes.runs.passages import REACH, READ_CHARACTERS, READINGS, Passage, around, places, readings, sample
from scored import a_term, tiny
from tiny import CORPUS, LAYERS

TEXT = f"{CORPUS[2]} {CORPUS[1]}"
TERMS = [a_term(TEXT, word) for word in ("river", "chest pain", "palpitations")]
EVERY = Lens(tuple(range(LAYERS)))


def read(arch="llama", template=PLAIN, lens=EVERY):
    _, passages = places(TERMS)
    rows = readings("", sample(passages, 0), tiny(arch), template, HooksEngine(), lens)
    return pl.DataFrame(rows, schema=READINGS).to_dicts()


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab .!?\n", min_size=1, max_size=900), st.data())
def test_a_passage_holds_its_target_and_not_much_more(text, data):
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    begin, stop = around(text, start, end)
    assert 0 <= begin <= start < end <= stop <= len(text)
    assert start - begin <= REACH
    assert stop - end <= REACH


def test_a_place_is_its_sentence_with_the_target_in_it():
    table, passages = places(TERMS)
    assert table.height == 3
    for row, term in zip(table.iter_rows(named=True), TERMS, strict=True):
        assert row["passage"][row["start"] : row["end"]] == term.target
        assert TEXT[row["begin"] :].startswith(row["passage"])
        assert (row["document"], row["begin"]) in passages
    assert [row["passage"] for row in table.iter_rows(named=True)][:2] == [CORPUS[2], CORPUS[1]]


@pytest.mark.parametrize("arch", ["llama", "gemma2", "gpt2"])
@pytest.mark.parametrize("template", [PLAIN, Template("file", "Note:\n")])
def test_a_reading_is_what_the_model_says_after_all_that_stands_before(arch, template):
    checkpoint = tiny(arch)
    for row in read(arch, template):
        head = Encoder(checkpoint.tokenizer, template)([TEXT])[0].ids
        logits = checkpoint.model(torch.tensor([head])).logits[0].log_softmax(-1)
        own = {float(logits[k - 1, head[k]]): logits[k - 1].exp() for k in range(1, len(head))}
        for value, top, best in zip(row["logprob"], row["top"], row["top_logprob"], strict=True):
            if value is None:
                assert top == []
                continue
            near = min(own, key=lambda each: abs(each - value))
            assert value == pytest.approx(near, abs=1e-4)
            assert best == pytest.approx(own[near].topk(5).values.log().tolist(), abs=1e-3)


def test_the_last_of_the_layers_is_the_models_own_and_targets_are_scored_as_in_the_table():
    rows = {(row["document"], row["begin"]): row for row in read()}
    table, _ = places(TERMS)
    scored = {row["item"]: row for row in score(TERMS, tiny()).to_pylist()}
    for place in table.iter_rows(named=True):
        row = rows[place["document"], place["begin"]]
        assert row["lens"][-1] == row["logprob"]
        assert len(row["lens"]) == len(row["lens_rank"]) == LAYERS
        inside = [
            value
            for value, low, high in zip(row["logprob"], row["starts"], row["ends"], strict=True)
            if low < place["end"] and high > place["start"]
        ]
        assert inside == pytest.approx(scored[place["item"]]["token_logprobs"], abs=1e-4)


def test_without_a_lens_there_are_no_layers():
    assert all(row["lens"] is None and row["lens_rank"] is None and row["logprob"] for row in read(lens=None))


def test_a_sample_is_the_seeds_and_reads_no_more_than_its_characters():
    passages = {("d", n): Passage("d", "", n, n + READ_CHARACTERS // 10) for n in range(40)}
    drawn = sample(passages, 3)
    assert drawn == sample(passages, 3)
    assert drawn != sample(passages, 4)
    assert 5 < len(drawn) <= 10
    assert sample(passages, 3, 0) == []


def test_the_same_run_reads_no_passage_twice(house, tmp_path, monkeypatch):
    import knowshift

    options = {"domain": str(house / "domain"), "limit": 2, "out": tmp_path / "run"}
    first = knowshift.compare(house / "base", [house / "neuro_lora"], **options)
    before = pl.read_parquet(first.run / "readings.parquet")
    assert set(before["model"]) == {"", "neuro_lora"}
    monkeypatch.setattr(HooksEngine, "residuals", lambda *_: pytest.fail("read again"))
    again = knowshift.compare(house / "base", [house / "neuro_lora"], **options)
    assert pl.read_parquet(again.run / "readings.parquet").equals(before)
    # Nor does another run with the same models and texts.
    other = knowshift.compare(house / "base", [house / "neuro_lora"], **options | {"out": tmp_path / "other"})
    assert pl.read_parquet(other.run / "readings.parquet").equals(before)


def test_damaged_readings_in_the_cache_are_read_again(tmp_path, monkeypatch):
    monkeypatch.setenv("KNOWSHIFT_CACHE", str(tmp_path))
    rows = pl.DataFrame(read(), schema=READINGS)
    cache.store_rows("k", rows.to_arrow())
    assert pl.DataFrame(cache.fetch_rows("k"), schema=READINGS).equals(rows)
    (file,) = (tmp_path / "readings").iterdir()
    assert [entry.kind for entry in cache.entries()] == ["readings"]
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    assert cache.fetch_rows("k") is None
    assert not file.exists()
