"""A case for every node type: `tests/contract/nodes/test_contract_*.py` run them all."""

from __future__ import annotations

from contract.nodes.cases.case import Case
from contract.nodes.cases.plain import PLAIN
from contract.nodes.cases.triggers import TRIGGERS
from contract.nodes.cases.waiting import WAITING
from contract.nodes.cases.workers import WORKERS

CASES: dict[str, Case] = {case.type: case for case in (*PLAIN, *WAITING, *TRIGGERS, *WORKERS)}
