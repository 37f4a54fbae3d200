"""From the options of `probe evaluate` to its settings, its suite and that suite's options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import UsageError
from ...options import Declared, check_names, declared, make_settings, split_options
from ...terms.domain import Domain
from ..results.evaluation import OptionValue
from .registry import all_suites, built_in_suites, find_suite
from .settings import DEFAULT_SUITE, Settings, settings_from
from .suite import Suite, SuiteInputs, SuitePlan

RECORDED = ("limit", "prompts")
"""General options that evaluation.json records among the suites'; others have places of their own there."""


@dataclass(frozen=True)
class EvaluationRequest:
    """What a user asked for."""

    settings: Settings
    suite: Suite[Any]
    options: Any
    """An instance of `suite.options`."""

    def check_data(self) -> None:
        """Raise `UsageError` where the suite would not read what `--data` names, or it does not exist."""
        self.suite.data.check(self.suite.name, self.settings.given)

    def plan(self, settings: Settings, domain: Domain, own: Mapping[str, str]) -> SuitePlan:
        """Return the suite's plan under the settings of this run. Raises `UsageError` where it would ask nothing."""
        plan = self.suite.plan(SuiteInputs(settings, self.options, domain, own))
        if not plan.asks and not plan.harness:
            why = "; ".join(map(str, plan.not_run))
            raise UsageError(f"--suite {self.suite.name}: nothing can be run ({why}); give its data with --data")
        return plan

    def recorded_options(self) -> dict[str, OptionValue]:
        """Return the options as evaluation.json records them; those of other built-in suites are at their defaults."""
        values = {each.name: each.default for suite in built_in_suites() for each in declared(suite.options)}
        values |= {each.name: getattr(self.options, each.name) for each in declared(self.suite.options)}
        values |= {name: getattr(self.settings, name) for name in RECORDED}
        return {name: _recorded(value) for name, value in values.items()}


def read_request(options: Mapping[str, Any]) -> EvaluationRequest:
    """Return the request that these options make, by name; None stands for the default. Raises `UsageError`."""
    given = {name: value for name, value in options.items() if value is not None and value not in ((), [])}
    suite = find_suite(str(given.get("suite", DEFAULT_SUITE)))
    _refuse_foreign(suite, given)
    check_names(given, Settings, suite.options)
    general, own = split_options(given, Settings, suite.options)
    return EvaluationRequest(settings_from(general), suite, make_settings(suite.options, None, own))


def _refuse_foreign(suite: Suite[Any], given: Mapping[str, Any]) -> None:
    """Raise `UsageError` where an option is given that another suite takes and this one does not."""
    known = {each.name for kind in (Settings, suite.options) for each in declared(kind)}
    if known >= set(given):
        return
    takers: dict[str, list[tuple[str, Declared]]] = {}
    for other in all_suites():
        for each in declared(other.options):
            takers.setdefault(each.name, []).append((other.name, each))
    for name in given:
        if name not in known and name in takers:
            (_, option), value = takers[name][0], given[name]
            shown = value if isinstance(value, str | int | float | Path) else next(iter(value))
            names = " or ".join(other for other, _ in takers[name])
            raise UsageError(f"{option.flag} {shown}: is asked with --suite {names}, not {suite.name}")


def _recorded(value: Any) -> OptionValue:
    if isinstance(value, Path):
        return value.name
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or None
    recorded: OptionValue = value
    return recorded
