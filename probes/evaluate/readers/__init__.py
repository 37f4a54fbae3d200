"""The data's own formats, one module a family: `choice_sets`, `clue`, `longhealth`, `general`. A reader leaves nothing
out in silence: each record it cannot use is a counted fault."""
