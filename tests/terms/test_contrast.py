"""The contrast domain: refused in one line, kept out of all that is the domain's, and left out when asked."""

import json

import pytest
from house import command, write_domain
from knowshift.errors import DomainError
from knowshift.terms.contrast import contrast_items, open_contrast
from knowshift.terms.domain import Domain
from knowshift.terms.items import CONTRAST
from knowshift.terms.select import group, items, limit, priors


@pytest.fixture
def domain(tmp_path):
    return Domain.open(write_domain(tmp_path / "domain"))


@pytest.fixture
def other(tmp_path):
    """Another domain: the same facts under another name, of another licence."""
    folder = write_domain(tmp_path / "other")
    toml = folder / "domain.toml"
    toml.write_text(toml.read_text().replace('name = "small"', 'name = "other"'))
    return folder


def without_parts(folder):
    """A domain of controls alone."""
    facts = [json.loads(line) for line in (folder / "facts.jsonl").read_text().splitlines()]
    kept = [fact for fact in facts if fact["specialties"] == ["general"]]
    (folder / "facts.jsonl").write_text("".join(json.dumps(fact) + "\n" for fact in kept))
    (folder / "concepts.jsonl").unlink()
    return folder


def test_a_contrast_that_is_no_domain_is_one_line(domain):
    with pytest.raises(DomainError, match=r"^contrast nowhere: nowhere: no such domain") as caught:
        open_contrast(domain, "nowhere")
    assert "\n" not in str(caught.value)


def test_the_domain_itself_is_no_contrast(domain, tmp_path):
    with pytest.raises(DomainError, match="is the domain itself; give another domain, or --contrast none") as caught:
        open_contrast(domain, str(tmp_path / "domain"))
    assert "\n" not in str(caught.value)


def test_a_contrast_without_facts_and_terms_is_refused(domain, other):
    with pytest.raises(DomainError, match="has no facts and no terms in texts outside its control group") as caught:
        open_contrast(domain, str(without_parts(other)))
    assert "\n" not in str(caught.value)


def test_none_and_no_name_are_no_contrast(domain):
    assert open_contrast(domain) is None
    assert open_contrast(domain, "none") is None


def test_the_embedded_domains_name_each_other():
    medicine, geography = Domain.open("medicine"), Domain.open("geography")
    assert open_contrast(medicine).name == geography.name
    assert open_contrast(geography).name == medicine.name


def test_its_items_are_a_group_of_their_own(domain, other):
    mine, theirs = items(domain), contrast_items(open_contrast(domain, str(other)))
    assert {item.kind for item in theirs} == {"fact", "contrast"}
    assert all(group(item, own, "general") == CONTRAST for item in theirs for own in ("neurology", None))
    for key in ("id", "concept", "relation"):
        shared = {getattr(item, key) for item in mine} & {getattr(item, key) for item in theirs}
        assert shared <= {""}
    facts = [item for item in theirs if item.kind == "fact"]
    assert len(facts) == 36, "its controls have no part"
    assert not contrast_items(open_contrast(domain, str(other)), facts=False)[0].cues


def test_a_limit_counts_them_as_a_group(domain, other):
    every = items(domain) + contrast_items(open_contrast(domain, str(other)))
    kept = limit(every, 5, "neurology", "general", 0)
    assert sum(item.kind == "fact" and CONTRAST in item.specialties for item in kept) == 5


def test_priors_are_not_confused_by_them(domain, other):
    theirs = contrast_items(open_contrast(domain, str(other)))
    assert {cue for item in priors(theirs, domain) for cue in item.cues} == {domain.neutral_cue("")}


def test_the_command_leaves_it_out_and_keeps_it_from_tables(house, other, tmp_path, probe):
    """With a contrast the shift is read against it; its strings stand in no table of terms, passages or matrix."""
    import polars as pl

    few = ("--passages", "2", "--lens", "none")
    code, _, error = probe(*command(house, house / "neuro_lora", out=tmp_path / "none"), "--contrast", "none", *few)
    assert code == 0, error
    code, _, error = probe(*command(house, house / "neuro_lora", out=tmp_path / "with"), "--contrast", other, *few)
    assert code == 0, error
    found = {}
    for name in ("none", "with"):
        (model,) = json.loads((tmp_path / name / "comparison.json").read_text())["models"].values()
        found[name] = model
        for table in (tmp_path / name).rglob("*.parquet"):
            frame = pl.read_parquet(table)
            if "concept" in frame.columns or "document" in frame.columns:
                text = frame.select(pl.col(pl.String)).write_csv()
                assert CONTRAST not in text, table
    assert found["none"]["shift"]["contrast"] == "general"
    assert found["with"]["shift"]["contrast"] == "contrast"
    assert found["none"]["matrix"].keys() == found["with"]["matrix"].keys()
    assert CONTRAST not in found["with"]["matrix"]
    code, out, error = probe(*command(house, house / "neuro_lora", out=tmp_path / "x"), "--contrast", "nowhere")
    assert code != 0
    assert "contrast nowhere: nowhere: no such domain" in out + error
