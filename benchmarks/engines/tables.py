"""Figures as Markdown, on their own or between the markers of a page whose prose is left alone."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

MARKER = "<!-- figures: {} -->"
END = "<!-- end of figures -->"


def render(results: dict[str, Any]) -> dict[str, str]:
    """Part → its tables, under the machine that they were measured on: parts may be written by different runs."""
    makers = {"models": _models, "facts": _facts, "adapters": _adapters, "scaling": _scaling}
    on = _machine(results)
    return {name: f"{on}\n\n{maker(results[name])}" for name, maker in makers.items() if name in results}


def write(page: Path, parts: dict[str, str]) -> None:
    """Puts each part between its markers on the page; those that were not measured stay. Raises `SystemExit`."""
    text = page.read_text(encoding="utf-8")
    for name, table in parts.items():
        begin = MARKER.format(name)
        pattern = re.compile(re.escape(begin) + ".*?" + re.escape(END), re.DOTALL)
        if len(pattern.findall(text)) != 1:
            raise SystemExit(f"{page}: expected once {begin} and after it {END}; write both where its table belongs")
        text = pattern.sub(lambda _, new=f"{begin}\n{table}\n{END}": new, text)
    fresh = page.with_name(page.name + ".new")
    fresh.write_text(text, encoding="utf-8")
    os.replace(fresh, page)


def _machine(results: dict[str, Any]) -> str:
    machine, settings = results["machine"], results["settings"]
    versions = ", ".join(f"{package} {version}" for package, version in machine["versions"].items())
    quick = " **A quick run on tiny sizes: these figures say nothing.**" if settings["quick"] else ""
    return (
        f"{machine['device']}, {machine['cores']} cores, {settings['threads']} threads, {settings['device']}, "
        f"{settings['dtype']}; {settings['rounds']} rounds; {versions}.{quick}"
    )


def _models(models: list[dict[str, Any]]) -> str:
    return "\n\n".join(_model(model) for model in models)


def _model(model: dict[str, Any]) -> str:
    read = " and ".join(f"{rows} rows × {tokens} tokens" for rows, tokens in model["batches"])
    head = (
        f"**{model['model']}**: {read}; weights {model['weights'] / 1e6:,.0f} MB; matrices at "
        f"{model['rate'] * 2 / 1e9:,.0f} GFLOP/s.\n"
    )
    rows = []
    for row in model["rows"]:
        if row["missing"]:
            rows.append([row["name"], row["missing"], "", "", "", ""])
            continue
        bound = [_ratio(row, "bound_ratio"), f"{row['seconds']['low'] / row['bound']:.2f}"]
        rows.append([row["name"], _ratio(row), _seconds(row), *bound, f"{row['peak'] / 1e6:,.0f}"])
    columns = ["", "time ÷ plain", "seconds", "time ÷ bound", "least ÷ bound", "memory above the weights, MB"]
    return head + "\n" + _table(columns, rows)


def _facts(facts: dict[str, Any]) -> str:
    head = f"**{facts['model']}**: {facts['facts']} facts, {facts['tokens']:,} tokens where each candidate is alone.\n"
    rows = [[row["name"], _ratio(row), _seconds(row)] for row in facts["rows"]]
    if facts["missing"]:
        rows.append(["lm-eval", facts["missing"], ""])
    return head + "\n" + _table(["", "time ÷ cue once", "seconds"], rows)


def _adapters(adapters: dict[str, Any]) -> str:
    modules = ", ".join(adapters["modules"])
    head = f"**{adapters['model']}**, LoRA of rank {adapters['rank']} on {modules}.\n"
    rows = [
        [str(row["adapters"]), _ratio(row), _seconds(row), f"{row['copies']:.3f}", f"{row['weights']:.3f}"]
        for row in adapters["rows"]
    ]
    columns = ["adapters", "time ÷ (N + 1) passes", "seconds", "copies of the base's weights", "all weights ÷ base"]
    return head + "\n" + _table(columns, rows)


def _scaling(scaling: dict[str, Any]) -> str:
    items = scaling["items"]
    rows = [
        [
            f"{row['items']:,}",
            f"{row['seconds']:.2f}",
            f"{row['seconds'] / row['items'] * 1000:.2f}",
            f"{row['peak'] / 1e6:,.0f}",
        ]
        for row in items["rows"]
    ]
    parts = [
        f"**Items** of up to {items['tokens']} tokens, {items['model']}.\n\n"
        + _table(["items", "seconds", "ms an item", "memory above the weights, MB"], rows)
    ]
    for what in ("layers", "vocabulary"):
        rows = [
            [f"{row[what]:,}", _ratio(row), _seconds(row), f"{row['peak'] / 1e6:,.0f}"] for row in scaling[what]["rows"]
        ]
        columns = [what, "lens ÷ plain", "seconds", "memory above the weights, MB"]
        parts.append(f"**{what.capitalize()}**, else {scaling[what]['model']}.\n\n" + _table(columns, rows))
    return "\n\n".join(parts)


def _ratio(row: dict[str, Any], which: str = "ratio") -> str:
    ratio = row[which]
    return f"{ratio['median']:.2f} ({ratio['low']:.2f}–{ratio['high']:.2f})"


def _seconds(row: dict[str, Any]) -> str:
    seconds = row["seconds"]
    return f"{seconds['median']:.3g} ({seconds['low']:.3g}–{seconds['high']:.3g})"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
