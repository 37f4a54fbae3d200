"""The page's scripts: ES modules of `page/` made into one inline script. Read by `page`.

A page that fetches nothing cannot import modules, so each becomes a function of its own that hands back what it
exports. `import { a } from "./b.js"` and `export` before a declaration are the only forms the modules use.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "page"
ENTRY = "main.js"
IMPORT = re.compile(r'^import \{([^}]*)\} from "\./(\w+)\.js";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async function|function|const|class) (\w+))", re.MULTILINE)


@cache
def script() -> str:
    """Return all modules that `main.js` reaches, each after those it imports.

    Raises:
        ValueError: Two modules import each other.
    """
    made: dict[str, str] = {}
    _add(ENTRY, made, ())
    return '"use strict";\n(() => {\n' + "\n".join(made.values()) + "\n})();\n"


def _add(name: str, made: dict[str, str], above: tuple[str, ...]) -> None:
    if name in above:
        raise ValueError(f"{' imports '.join((*above, name))}: modules of the page import each other in a circle")
    source = (FOLDER / name).read_text(encoding="utf-8")
    for _, needed in IMPORT.findall(source):
        if f"{needed}.js" not in made:
            _add(f"{needed}.js", made, (*above, name))
    exported = ", ".join(EXPORT.findall(source))
    body = EXPORT.sub("", IMPORT.sub(r"const {\1} = \2_js;\n", source))
    made[name] = f"const {name.removesuffix('.js')}_js = (() => {{\n{body}\nreturn {{ {exported} }};\n}})();"
