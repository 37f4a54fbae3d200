"""The documented JSON Schemas are those of the code, and describe what is really written."""

import json
from pathlib import Path

import jsonschema
import knowshift
import pytest
from knowshift.probes.analysis.error_rates import FOLDER
from knowshift.probes.results.calibration import Calibration
from knowshift.probes.results.schemas import documents, json_schema

DOCS = Path(knowshift.__file__).parent / "docs"
AGAIN = "run python -m knowshift.probes.results.schemas docs/schemas"


@pytest.mark.parametrize("document", documents(), ids=lambda kind: kind.FILE)
def test_the_schema_in_the_docs_is_up_to_date_and_named(document):
    assert (DOCS / "schemas" / document.FILE).read_text(encoding="utf-8") == json_schema(document), AGAIN
    assert f"(schemas/{document.FILE})" in (DOCS / "schemas.md").read_text(encoding="utf-8")


def test_no_schema_is_left_of_a_file_that_is_no_more():
    assert {path.name for path in (DOCS / "schemas").iterdir()} == {document.FILE for document in documents()}


@pytest.mark.skipif(not (FOLDER / Calibration.FILE).exists(), reason="the packaged calibration is not there yet")
def test_a_written_file_is_what_its_schema_describes():
    schema = json.loads(json_schema(Calibration))
    data = json.loads((FOLDER / Calibration.FILE).read_text(encoding="utf-8"))
    jsonschema.validate(data, schema)
    for wrong in ({**data, "schema": 1}, {**data, "hours": "long"}, {**data, "more": 1}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema)
