"""An answer's score is that of any of its names; a distractor that is true is refused."""

import json
from dataclasses import replace

import numpy as np
import pytest
from house import write_domain
from knowshift.errors import DomainError
from knowshift.probes.analysis.scores import fact_scores
from knowshift.terms.domain import Domain, Fact, Specialty
from knowshift.terms.select import items
from synthetic import World, world

pytestmark = pytest.mark.filterwarnings("error")


def facts():
    """Two facts; the first one's answer has two other names, and is a distractor of the second."""
    one = Fact("a", ("cue a", "say a"), "x", ("y", "z", "w"), ("s",), "r", "a", aliases=("x2", "x3"))
    return one, Fact("b", ("cue b", "say b"), "y", ("x", "z", "w"), ("s",), "r", "b")


def made():
    domain = Domain("d", specialties={"s": Specialty("s", "S")}, facts=facts())
    scored = tuple(items(domain))
    places = np.array([(i, c, k) for i, item in enumerate(scored) for c in range(2) for k in range(len(item.scored))])
    logits = np.random.default_rng(0).normal(size=(len(places), 2, 12))
    return World(domain, scored, *places.T, np.ones(len(places), int), logits)


def test_a_names_place_follows_all_others():
    one, other = made().items
    assert one.aliases == ((0, "x2"), (0, "x3"))
    assert other.aliases == ((1, "x2"), (1, "x3"))
    assert one.scored == ("x", "y", "z", "w", "x2", "x3")


def test_an_answers_score_is_the_logsumexp_over_its_names():
    """Against the model's own logits, at every temperature."""
    given = made()
    scores = fact_scores(given.model(), given.items)
    assert scores.logprob.shape == (2, 2, 4)
    exact = given.logits[..., 0, :] - np.log(np.exp(given.logits[..., 0, :]).sum(-1, keepdims=True))
    rows = {(i, c, k): exact[n, 0] for n, (i, c, k) in enumerate(zip(given.item, given.cue, given.role, strict=True))}
    for i, item in enumerate(given.items):
        for cue in range(2):
            for k in range(4):
                names = [k, *(4 + n for n, (place, _) in enumerate(item.aliases) if place == k)]
                expected = np.log(sum(np.exp(rows[i, cue, name]) for name in names))
                assert scores.logprob[i, cue, k] == pytest.approx(expected, abs=1e-6)
    plain = given.items[0]
    alone = replace(plain, aliases=())
    kept = np.isin(given.role, range(4)) & (given.item == 0)
    bare = World(
        given.domain,
        (alone,),
        *(v[kept] for v in (given.item, given.cue, given.role, given.tokens)),
        given.logits[kept],
    )
    assert (fact_scores(bare.model(), (alone,)).logprob <= scores.logprob[:1] + 1e-12).all()


def test_facts_without_aliases_are_scored_as_before():
    given = world(specialties=2, facts=10, controls=0)
    scores = fact_scores(given.model(), given.items)
    assert scores.logprob[given.item, given.cue, given.role] == pytest.approx(given.logprob())


@pytest.mark.parametrize(
    ("field", "why"), [("aliases", "is another name of the answer"), ("also_true", "is another true answer")]
)
def test_a_distractor_that_is_true_is_refused_in_one_line(tmp_path, field, why):
    folder = write_domain(tmp_path / "domain")
    lines = (folder / "facts.jsonl").read_text().splitlines()
    fact = json.loads(lines[0])
    fact[field] = [fact["distractors"][2]]
    (folder / "facts.jsonl").write_text("\n".join([json.dumps(fact), *lines[1:]]) + "\n")
    with pytest.raises(
        DomainError, match=f'{fact["distractors"][2]}" {why}; expected answers that are wrong'
    ) as caught:
        Domain.open(folder)
    assert len(str(caught.value).splitlines()) == 1
