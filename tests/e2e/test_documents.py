"""The workflows that the documents show can be saved as they stand there, and do what is told beside them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def workflows(document: Path) -> list[dict]:
    found = [yaml.safe_load(block) for block in BLOCK.findall(document.read_text())]
    return [one for one in found if isinstance(one, dict) and one.keys() >= {"id", "nodes", "edges"}]


SHOWN = {f"{document.stem}-{one['id']}": one for document in DOCUMENTS for one in workflows(document)}


def test_there_are_some():
    assert len(SHOWN) >= 6


@pytest.mark.parametrize("name", SHOWN)
def test_a_workflow_of_the_documents_is_valid(api, name):
    answer = api.client.post(f"{api.base}/workflows:validate", json=SHOWN[name])
    assert (answer.status_code, answer.json()["valid"]) == (200, True), answer.text


def test_an_order_is_shipped_as_told(api):
    api.save(SHOWN["events-ship"])
    sent = {"specversion": "1.0", "id": "a1", "source": "/shop", "type": "order.paid", "data": {"id": 7, "total": 50}}
    answer = api.ask("POST", "/events", json=sent, status=202)
    ended = api.ends(answer["executions"][0])
    assert (ended["status"], ended["error"]) == ("completed", None)
    emitted = api.nodes(ended["id"])["told"]["output"]
    assert (emitted["type"], emitted["subject"], emitted["data"]) == ("order.shipped", "7", {"id": 7})
