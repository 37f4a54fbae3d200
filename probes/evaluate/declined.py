"""Whether a written answer declines: says that the text does not tell. Read by the suite `hallucination`.

"Not stated" may be worded in many ways; a finding may hold the same words ("The tumour was not found", "The cause
could not be determined at autopsy"). So a phrase counts only where it speaks of the telling: alone, as the writer's own
word, or of the text.
"""

from __future__ import annotations

import re

from ...terms.vocabulary.entry import normal

_SOURCE = (
    r"(?:the|this|that|these|those|any|your|either)(?: (?:given|provided|available|above|supplied|same))?"
    r" (?:texts?|documents?|passages?|letters?|notes?|reports?|records?|contexts?|articles?|sources?|excerpts?)"
)
_NOT = r"(?:(?:is|are|was|were|has|have|had)(?: (?:not|never)|n't)(?: been)?|not)"
_TOLD = r"(?:stated|mentioned|specified)"
"""Words that are said of a text alone."""
_HAD = (
    r"(?:provided|given|reported|documented|recorded|described|disclosed|discussed|listed|included|available|known|"
    r"found|indicated|clear|present|answerable)"
)
"""Words that are said of findings and patients too."""
_OPENING = (
    r"^(?:(?:the )?answer(?: is)?:? |sorry,? (?:but )?|unfortunately,? |"
    rf"(?:based on|according to|from|in) {_SOURCE}(?: provided| given)?,? )*"
)
_END = r"(?=\s*(?:$|[.,;!?)]))"
_KNOW = r"(?:know|tell|say|answer|determine|find|see|infer)"
_DECLINES = [
    re.compile(pattern)
    for pattern in (
        # "Not stated", "The dose is not mentioned", "It isn't specified in the letter".
        rf"(?<!\w){_NOT}(?: (?:explicitly|directly|clearly|specifically|otherwise))? {_TOLD}\b",
        # "Not documented.", "It is not given", "The dose is not reported in the text".
        rf"{_OPENING}(?:(?:it|this|that|this information|that information|the information|the answer) )?"
        rf"{_NOT} {_HAD}{_END}",
        rf"{_NOT} {_HAD} (?:anywhere )?(?:in|by|from|within) {_SOURCE}\b",
        # "Cannot be determined"; the past tense is a finding's.
        r"\b(?:can ?not|can't) be (?:answered|determined|inferred|ascertained|deduced)\b",
        r"\b(?:could not|couldn't) be (?:answered|inferred)\b",
        # "I don't know": the writer, not somebody who is written of.
        rf"(?:{_OPENING}|[.!?;,] (?:but |so )?)(?:i|we) (?:really )?(?:do not|don't|did not|can ?not|can't|could not|"
        rf"couldn't|am unable to|are unable to|am not able to|are not able to) {_KNOW}\b",
        rf"{_OPENING}(?:unable|impossible|not possible|not able) to {_KNOW}\b",
        rf"\bit is (?:impossible|not possible) to {_KNOW}\b",
        # "No information", "There is no mention of it".
        rf"{_OPENING}(?:there (?:is|was) |there's )?no (?:\w+ )?(?:information|mention|details?|answer|data)"
        rf"(?:{_END}| (?:about|on|regarding|concerning|of|in {_SOURCE}|(?:is |was )?(?:stated|mentioned|available|found"
        rf"|provided|given)(?: in {_SOURCE})?{_END}))",
        r"\b(?:not enough|insufficient) information\b",
        # "The letter does not say".
        rf"\b{_SOURCE}(?: provided| given)? (?:do|does|did)(?: not|n't) (?:\w+ )?(?:state|say|mention|specify|give|"
        r"provide|contain|include|tell|answer|report|indicate|describe|disclose|discuss|list|address)\b",
        rf"\b{_SOURCE} (?:says?|contains?|gives?|provides?|has|have|holds?) "
        r"(?:nothing|no (?:information|mention|answer))\b",
        # "Unknown.", and not "Unknown primary".
        rf"{_OPENING}(?:(?:it|this|that) is )?(?:unknown|unclear|undetermined|n/a){_END}",
    )
]


def declines(answer: str) -> bool:
    """Whether `answer` says, in any of its sentences, that the text does not tell."""
    text = normal(answer)
    sentences = re.split(r"(?<=[.!?]) ", text)
    return any(pattern.search(each) for each in (text, *sentences) for pattern in _DECLINES)
