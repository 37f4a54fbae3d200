"""Section: what was computed, how, and how to do it again."""

from __future__ import annotations

import json

from markupsafe import Markup

from ..markup import NOTHING, fill_each, pairs
from ..pack import block
from ..registry import Section, section
from ..run_view import RunView, flat

WORDS = ("cue", "answer", "given")
"""Fields of a wrong answer that hold text."""
EQUATIONS = """\
g(x) = log p_tuned(x | c) − log p_base(x | c)          summed over the tokens of x, divided by its length

T_X    mean gain of true answers of group X             S  own specialty       O  other specialties
D_X    mean gain of the same items' wrong answers       G  general knowledge

T_S  =  D_G  +  (D_O − D_G)  +  (D_S − D_O)  +  (T_S − D_S)
        generic   domain shift   own wrong       knowledge
        drift                    answers

transferable     =  T_O − D_O
specific margin  =  (T_S − D_S) − (T_O − D_O)"""
PROSE = (
    "Acquired: candidates' log-probabilities are centred by their mean over other cues of their relation where they "
    "are false, in base and tuned separately. Of facts that the base clearly does not know, the score is how far the "
    "true answer lies above the line on which the same group's wrong answers moved from base to tuned; acquired is the "
    "own facts' mean score less the other specialties'. Its p permutes whole relations.",
    "Shift beyond the contrast: what other specialties' targets gained beyond the contrast domain's of like length and "
    "like base log-probability elsewhere, less what a capital letter adds to general targets. Shift in absolute terms: "
    "what they gained at all. Both are beyond what the best-fitting temperature of the base alone would give.",
    "Layers: the raw lens reads a residual through the model's own final norm and head (nostalgebraist 2020); the "
    "tuned lens puts an affine map before them, trained on the base by KL to its last layer (Belrose et al. 2023), one "
    "for all models. The last layer has no map: it gives the model's own log-probabilities.",
    "What could have been seen: the effect that the verdict's own test finds with 80% power at its own level, from "
    "this run's standard errors, which fall as one over the root of the number of concepts.",
    "Intervals are a two-way bootstrap over concepts and answers (below 30 clusters Student's t with the same "
    "variance), at 95%.",
)


@section(order=100, title="Methods", anchor="methods")
def methods(run: RunView) -> Section:
    record, counts = run.record, run.result.counts
    settings = {
        "seed": record.seed,
        "dtype": record.dtype,
        "device": record.device,
        "template": record.template,
        "engine": record.engine,
        "per": record.per,
        "created": record.created or None,
        "lens": run.lens.kind,
        "layers": ", ".join(map(str, run.result.layer_numbers)) or None,
    }
    trained = run.lens.model_dump(exclude={"kind", "layers", "losses"}, exclude_unset=True)
    comparison = _comparison(run)
    parts = [
        Markup("<h3>Reproduce</h3><pre>{}</pre>").format(record.command or "command not recorded"),
        block("data-comparison", comparison),
        Markup('<p><button type="button" id="save-comparison">Save comparison.json</button></p>'),
        Markup("<h3>Equations</h3><pre>{}</pre>{}").format(
            EQUATIONS, fill_each("<p>{}</p>", [[line] for line in PROSE])
        ),
        Markup('<div class="multiples">'),
        pairs("Items", counts.model_dump(exclude={"dropped"}).items()),
        pairs("Left out", counts.dropped.items(), "Nothing was left out."),
        pairs("Settings", settings.items()),
        pairs("Tuned lens", flat(trained)) if run.lens.kind == "tuned" else NOTHING,
        pairs("Versions", record.versions.items()),
        Markup("</div>"),
        pairs("Content hashes", flat(record.hashes.model_dump(exclude_unset=True))),
    ]
    return Section(
        Markup("").join(parts),
        "The command, run again on the same contents with the same versions and seed, gives the same numbers.",
    )


def _comparison(run: RunView) -> str:
    """Return comparison.json; where the page shows no text, without the words of facts."""
    text = (run.path / run.result.FILE).read_text(encoding="utf-8")
    if run.text:
        return text
    content = json.loads(text)
    for model in content["models"].values():
        model["wrong_answers"] = [answer | dict.fromkeys(WORDS, "") for answer in model["wrong_answers"]]
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"
