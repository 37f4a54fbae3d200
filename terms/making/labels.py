"""What the labels of a person's texts, facts and questions stand for; a label that is new becomes a specialty.

Read by `build`, which writes the new ones to domain.toml.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import replace

from ...errors import DomainError, UsageError
from ..domain import Domain, Specialty
from ..normal_form import words_of
from ..records import Faults, Record

NONE = "none"
"""What a label is mapped to that stands for no specialty."""
LIST = "|"
MOST_NEW = 60
"""New specialties in one build: more, and the field holds something else."""


class Labels:
    """Specialties of a domain as they grow by the labels that are met; called with a label, gives specialty ids."""

    def __init__(self, domain: Domain, mapped: Sequence[str] = ()) -> None:
        """`mapped` are LABEL=SPECIALTY[,SPECIALTY] or LABEL=none. Raises UsageError where one is not."""
        self.domain = domain
        self.new: dict[str, Specialty] = {}
        self.used: dict[str, tuple[str, ...]] = {}
        self._mapped: dict[str, tuple[str, ...]] = {}
        for value in mapped:
            label, parted, names = value.rpartition("=")
            wanted = tuple(name.strip() for name in names.split(",") if name.strip())
            if not parted or not label.strip() or not wanted:
                raise UsageError(f"--map {value}: expected LABEL=SPECIALTY[,SPECIALTY], or LABEL={NONE}")
            self._mapped[_plain(label)] = wanted

    def __call__(self, label: str) -> tuple[str, ...]:
        """Ids of the specialties that a label stands for, or the control group's name; a new one is added."""
        label = _plain(label)
        if label not in self.used:
            names = self._mapped.get(label, (label,))
            self.used[label] = tuple(dict.fromkeys(self._id(name) for name in names if name != NONE))
        return self.used[label]

    def of(self, record: Record, field: str) -> tuple[str, ...]:
        """Specialties of a record's field: a label, several parted by `|`, or a list; empty where it is absent."""
        if not record.has(field):
            return ()
        value = record.data[field]
        labels = record.texts(field) if isinstance(value, list) else record.text(field).split(LIST)
        try:
            found = tuple(dict.fromkeys(id for label in labels if label.strip() for id in self(label)))
        except DomainError as error:
            record.fault(field, str(error))
            return ()
        if self.domain.general in found and len(found) > 1:
            record.fault(field, f'a control is "{self.domain.general}" alone, found {", ".join(found)}; remove one')
        return found

    def grown(self) -> Domain:
        """The domain with the new specialties."""
        return replace(self.domain, specialties={**self.domain.specialties, **self.new})

    def check(self, faults: Faults) -> None:
        """Labels that were mapped and never met go to `faults`. Raises UsageError where too many are new."""
        if len(self.new) > MOST_NEW:
            shown = ", ".join(f'"{s.name[:40]}"' for s in list(self.new.values())[:3])
            raise UsageError(
                f"--specialty-field: {len(self.new)} different values ({shown}, …), expected at most {MOST_NEW} new "
                "specialties; name the field that holds a text's specialty"
            )
        for label in self._mapped.keys() - self.used.keys():
            seen = ", ".join(sorted(self.used)[:12]) or "none at all"
            faults.add(f"--map {label}", f"no text, fact or question has this label; expected one of: {seen}")

    def _id(self, name: str) -> str:
        words = words_of(name)
        if words == words_of(self.domain.general):
            return self.domain.general
        grown = self.grown()
        try:
            return grown.specialty(name).id
        except DomainError:
            if not words:
                raise DomainError(
                    f'label "{name}": no letter or digit in it; say --map "{name}"=SPECIALTY, or ={NONE}'
                ) from None
            id = "_".join(words)
            self.new[id] = Specialty(id, _title(name))
            return id


def with_tables(toml: str, new: Iterable[Specialty], path: str = "domain.toml") -> str:
    """The text of a domain.toml with a table for each new specialty at its end; what stood there stays as it was.

    Raises DomainError, naming `path`, where none can be added.
    """
    tables = [
        f"\n[specialties.{s.id if re.fullmatch('[A-Za-z0-9_-]+', s.id) else json.dumps(s.id, ensure_ascii=False)}]\n"
        f"name = {json.dumps(s.name, ensure_ascii=False)}\naliases = []\n"
        for s in new
    ]
    out = (toml if toml.endswith("\n") else f"{toml}\n") + "".join(tables) if tables else toml
    try:
        tomllib.loads(out)
    except tomllib.TOMLDecodeError as error:
        raise DomainError(
            f"{path}: its specialties stand in braces, where none can be added; write each as [specialties.KEY]"
        ) from error
    return out


def _plain(label: str) -> str:
    """On one line, without control characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in label).split())


def _title(label: str) -> str:
    """`tax_law` as a person reads it; a label with spaces or capitals is taken as it stands."""
    if label != label.lower():
        return label
    plain = label.replace("_", " ").strip()
    return plain[:1].upper() + plain[1:]
