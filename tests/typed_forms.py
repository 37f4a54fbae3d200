"""The same names as different people, programs and keyboards type them."""

import unicodedata

from hypothesis import strategies as st
from knowshift.terms.normal_form import APOSTROPHES, DASHES, INVISIBLE

FORMS = {
    "curly apostrophe": ("Crohn's disease", "Crohn’s disease"),
    "modifier apostrophe": ("Crohn's disease", "Crohnʼs disease"),
    "backtick": ("Crohn's disease", "Crohn`s disease"),
    "hyphen": ("Epstein-Barr virus", "Epstein‐Barr virus"),
    "non-breaking hyphen": ("Epstein-Barr virus", "Epstein‑Barr virus"),
    "en dash": ("Epstein-Barr virus", "Epstein–Barr virus"),
    "minus": ("Epstein-Barr virus", "Epstein−Barr virus"),
    "soft hyphen": ("arthralgia", "ar\u00adthral\u00adgia"),
    "zero-width space": ("arthralgia", "ar\u200bthralgia"),
    "no-break space": ("joint pain", "joint\u00a0pain"),
    "thin space": ("joint pain", "joint\u2009pain"),
    "ligature": ("fibrosis", "ﬁbrosis"),
    "decomposed accent": ("Sjögren syndrome", unicodedata.normalize("NFD", "Sjögren syndrome")),
    "decomposed Hangul": ("당뇨병", unicodedata.normalize("NFD", "당뇨병")),
    "Thai am": ("น้ำ", "น้\u0e4d\u0e32"),
    "full width": ("HbA1c", "ＨｂＡ１ｃ"),
    "subscript": ("vitamin B12", "vitamin B₁₂"),
    "micro sign": ("μ-opioid receptor", "µ-opioid receptor"),
}


def rewritten(draw, name):
    """The name as somebody else might type it."""
    out = unicodedata.normalize(draw(st.sampled_from(["NFC", "NFD"])), name)
    swap = {"'": APOSTROPHES, "-": DASHES, " ": " \u00a0\u2009\u202f\u3000"}
    out = "".join(draw(st.sampled_from(swap[c])) if c in swap else c for c in out)
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(1, max(1, len(out) - 1)))
        out = out[:at] + draw(st.sampled_from(INVISIBLE)) + out[at:]
    return out.replace("fi", draw(st.sampled_from(["fi", "ﬁ"])))
