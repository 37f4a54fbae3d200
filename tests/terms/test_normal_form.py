"""A name is found however it is typed, and where it stands in the text as given."""

import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from knowshift.terms.domain import Concept, Text
from knowshift.terms.extraction.linker import Linker
from knowshift.terms.extraction.mentions import LinkerSettings
from knowshift.terms.match import Matcher
from knowshift.terms.normal_form import NormalForm, normal_form, words_of
from knowshift.terms.vocabulary.compiled import Vocabulary
from knowshift.terms.vocabulary.entry import Entry
from knowshift.terms.words import free_spans, missing_controls
from typed_forms import FORMS, rewritten


@pytest.mark.parametrize(("one", "other"), FORMS.values(), ids=FORMS)
def test_a_concept_written_in_another_form_is_found(one, other):
    for name, written in ((one, other), (other, one)):
        text = f"He has {written}, they say."
        (mention,) = Matcher([Concept("C1", name)]).mentions(text)
        assert text[mention.start : mention.end] == written


@pytest.mark.parametrize(("one", "other"), FORMS.values(), ids=FORMS)
def test_the_linker_finds_it_too(one, other):
    text = f"He has {other}, they say."
    linker = Linker(Vocabulary.of([Entry("C1", one)]), LinkerSettings())
    ((linked,),) = linker.mentions([text])
    assert (linked.concept, text[linked.start : linked.end]) == ("C1", other)


def test_a_trade_mark_and_a_footnote_are_no_part_of_a_word():
    found = Matcher([Concept("C1", "aspirin")]).mentions("aspirin™ and aspirin²")
    assert [(one.start, one.end) for one in found] == [(0, 7), (13, 20)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("糖尿病", "患者有糖尿病史"),
        ("二甲双胍", "首选药物是二甲双胍。"),
        ("インスリン", "毎日インスリンを打つ"),
        ("เบาหวาน", "ผู้ป่วยเป็นเบาหวานมานาน"),
    ],
)
def test_terms_of_scripts_without_spaces_are_found(name, text):
    (mention,) = Matcher([Concept("C1", name)]).mentions(text)
    assert text[mention.start : mention.end] == name


def test_words_of_every_script():
    assert words_of("Neuro_LoRA-2") == ("neuro", "lora", "2")
    assert words_of("Gastroente\u0301rologie") == words_of("Gastroentérologie") == ("gastroentérologie",)
    assert words_of("糖尿病 ok") == ("糖", "尿", "病", "ok")
    assert words_of("मधुमेह रोग") == ("मधुमेह", "रोग")


@pytest.mark.parametrize("text", ["ar\u00adthralgia is", "Sjo\u0308gren is", "Crohn’s is", "Barr‑Epstein is"])
def test_no_control_word_is_a_part_of_a_word(text):
    assert [text[start:end] for start, end in free_spans(text, ())] in ([], ["Sjo\u0308gren"])


def test_texts_without_control_words_are_said():
    chinese = [Text("a", "患者有糖尿病史。", ("s",)), Text("b", "她去了图书馆。", ("general",))]
    texts = [*chinese, Text("c", "He has HF.", ("s",))]
    said = missing_controls(texts, "general")
    assert said.startswith("2 texts (1 of them control texts) are in a script without spaces")
    assert missing_controls(texts[2:], "general") == ""


TYPED = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30)


@given(TYPED)
def test_the_normal_form_is_stable_and_composed(text):
    form = NormalForm.of(text)
    assert normal_form(form.text) == form.text == unicodedata.normalize("NFC", form.text)


@given(TYPED)
def test_every_character_of_the_normal_form_has_its_place(text):
    form = NormalForm.of(text)
    places = [form.place(n, n + 1) for n in range(len(form.text))]
    assert all(0 <= start < end <= len(text) for start, end in places)
    assert places == sorted(places)
    for n, (start, end) in enumerate(places):
        assert form.text[n] in normal_form(text[start:end])


@given(
    st.data(), st.lists(st.text("abfiéöñçü", min_size=2, max_size=7), min_size=1, max_size=3), st.sampled_from("' -")
)
def test_a_name_in_any_equivalent_form_is_cut_out_exactly(data, parts, joined):
    name = joined.join(parts)
    assume(len(normal_form(name)) > 4)
    written = rewritten(data.draw, name)
    before, after = data.draw(st.sampled_from([("He has ", " now."), ("", ""), ("(", ")"), ("… “", "”, ‘x’")]))
    text = before + written + after
    found = Matcher([Concept("C1", name)]).mentions(text)
    assert [text[one.start : one.end] for one in found] == [written]
