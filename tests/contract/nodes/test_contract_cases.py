"""Every node type has a case, and every case says of every check either what happens, or why it doesn't apply."""

from __future__ import annotations

import pytest
from contract.nodes.cases import CASES
from contract.nodes.cases.case import Check, EngineCase, TriggerCase, WorkerCase

from flowrun.domain.node_type import NodeKind
from flowrun.nodes.registry import builtin_types

KINDS = {
    NodeKind.ENGINE: EngineCase,
    NodeKind.LOOP: EngineCase,
    NodeKind.TRIGGER: TriggerCase,
    NodeKind.WORKER: WorkerCase,
}


def shown(case):
    """The checks that a case has something for."""
    if isinstance(case, WorkerCase):
        return set(Check) - set(case.exempt)
    if isinstance(case, TriggerCase):
        found = {Check.SUCCESS, Check.REDELIVERY} - set(case.exempt)
        return found | ({Check.FAILURE} if case.refuse else set())
    found = {Check.REDELIVERY} | ({Check.SUCCESS} if case.succeeds else set())
    found |= {Check.FAILURE} if case.fails else set()
    return found | ({Check.TIMEOUT, Check.CANCEL} if case.waits else set())


def test_every_type_has_a_case():
    missing = set(builtin_types().names()) - CASES.keys()
    assert not missing, f"tests/contract/nodes/cases lacks a case for {', '.join(sorted(missing))}"


def test_every_case_is_of_a_type_that_is_there():
    assert not CASES.keys() - set(builtin_types().names())


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_case_leaves_nothing_open(case):
    assert isinstance(case, KINDS[builtin_types().get(case.type).kind])
    assert shown(case) | set(case.exempt) == set(Check), "for each check: what happens, or why it doesn't apply"
    assert not shown(case) & set(case.exempt)
    assert all(case.exempt.values())
