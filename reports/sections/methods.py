"""Section: what was computed, how, and how to do it again."""

from __future__ import annotations

from markupsafe import Markup

from ..markup import NOTHING, fill_each, pairs
from ..pack import block
from ..registry import Section, section
from ..run_view import RunView, flat

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
    "Specific knowledge: candidates' log-probabilities are centred by their mean over other cues of their relation "
    "where they are false, in base and tuned separately; the tuned margin is predicted from the base margin by a "
    "robust line over other specialties; the mean residual of the own facts is the estimate; p is a permutation's.",
    "Domain shift is judged after matching general targets to the domain's on base log-probability per token and on "
    "length, beside what the best-fitting temperature of the base alone would give.",
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
    comparison = (run.path / run.result.FILE).read_text(encoding="utf-8")
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
