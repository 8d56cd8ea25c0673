"""Random workflows, run in random orders, mean what the reference says they mean."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import assume, event, given
from hypothesis import strategies as st
from support.driver import Driver, fold, snapshot, stored
from support.reference import Meaning, error_of, interpret
from support.workflows import BODY, HANDLED, Play, Scenario, scenarios

from flowrun.domain.definition import Join, OnError
from flowrun.domain.events import NodeCompleted, NodeFailed, NodeQueued
from flowrun.domain.facts import Admit, AttemptLost, Cancel, Pause, Resume, Retry, Terminate, TimerKind

RANDOM = st.randoms(use_true_random=False)
RAN = {"completed", "failed", "timed_out"}


def plain(value):
    """A value with its error objects reduced to what the reference knows of them."""
    if isinstance(value, dict):
        if "occurred_at" in value:
            return error_of(value["node_id"], value["type"])
        return {key: plain(part) for key, part in value.items()}
    return value


def meaning_of(scenario: Scenario, driver: Driver) -> Meaning:
    """What the reference says; which parent came first at a `join: any` is taken from the history's order."""
    ended: dict[str, int] = {}
    for number, (_, happened) in enumerate(driver.history):
        if isinstance(happened, NodeCompleted | NodeFailed):
            ended[happened.node] = number
    never = len(driver.history)

    def first(_node, parents):
        return min(parents, key=lambda parent: ended.get(parent, never))

    return interpret(scenario.definition, scenario.behaviours, scenario.trigger, BODY, first)


def assert_means(scenario: Scenario, driver: Driver) -> None:
    """The execution has ended as the reference says."""
    meaning = meaning_of(scenario, driver)
    event(f"{meaning.status} of {len(scenario.definition.nodes) // 4 * 4}+ nodes")
    assert driver.status == meaning.status
    assert_same_history(scenario, driver)
    if meaning.status == "failed":
        assert_failed_part_of(scenario, driver, meaning)
        return
    assert plain(driver.execution.output) == meaning.output
    for node, expected in meaning.nodes.items():
        assert_node(driver, node, expected)
    for edge in driver.graph.edges:
        target = driver.run(edge.target.id)
        assert target.resolved == len(edge.target.ins), "each edge resolves exactly once"
        assert len(set(target.taken)) == len(target.taken)
        assert ("taken" if edge.index in target.taken else "dead") == meaning.edges[edge.id], edge.id


def assert_node(driver: Driver, node: str, expected) -> None:
    run = driver.run(node)
    assert run.status.value == expected.state, node
    if expected.state == "skipped":
        assert run.skip_origin in expected.origins, node
        return
    given = driver.input(node)
    assert plain(given) == expected.input, node
    if isinstance(given, dict):
        assert list(plain(given)) == list(expected.input), "the input's keys stand in edge order"
    assert plain(run.output) == expected.output, node
    assert plain(run.error) == expected.error, node
    assert run.attempt == expected.attempts, node


def assert_failed_part_of(scenario: Scenario, driver: Driver, meaning: Meaning) -> None:
    """A failed execution ends as soon as one of its unhandled failures happens, and which one is first depends on
    the order of the results. So what has ended by then has ended as the reference says, and nothing else has run.

    One more thing depends on the order: while an execution drains, an attempt that fails isn't tried again.
    """
    drains = any(node.on_error is OnError.DRAIN for node in scenario.definition.nodes)
    hasty = {node for node, behaviour in scenario.behaviours.items() if drains and behaviour.failures}
    error = plain(driver.execution.error)
    assert error in meaning.unhandled or error["error_of"] in hasty
    for node, expected in meaning.nodes.items():
        state = driver.state(node)
        if state in {"failed", "timed_out"} and node in hasty:
            assert expected.state in RAN
        elif state in {"pending", "cancelled"}:
            assert expected.state in RAN or state == "pending"
        else:
            assert_node(driver, node, expected)


def assert_same_history(scenario: Scenario, driver: Driver) -> None:
    """Folding the history gives the live state, straight and after a trip through JSON; nothing runs twice."""
    live = snapshot(driver.execution)
    assert snapshot(fold(driver.graph, driver.history)) == live
    assert snapshot(fold(driver.graph, stored(driver.history))) == live
    assert stored(driver.history) == driver.history
    for node in scenario.definition.nodes:
        dispatches = [queued.dispatch for queued in driver.events(NodeQueued, node.id)]
        assert dispatches == list(range(1, len(dispatches) + 1))
        assert len(driver.events(NodeCompleted, node.id)) <= 1


# --- the properties


@given(scenarios(), RANDOM)
def test_every_workflow_means_what_the_reference_says_in_every_order(scenario, rng):
    play = Play(scenario, rng)
    driver = play.to_the_end()
    assert_means(scenario, driver)
    for node, given_input in play.inputs.items():
        if driver.state(node) in RAN:
            assert given_input == driver.input(node) or driver.run(node).node.type.name != "step"


@given(scenarios(on_error=HANDLED, broken=False), RANDOM, RANDOM)
def test_order_of_the_results_makes_no_difference(scenario, one_order, other_order):
    """With every failure handled and no `join: any`, the whole result is the same in every order."""
    nodes = tuple(replace(node, join=Join.ALL) if node.join is Join.ANY else node for node in scenario.definition.nodes)
    scenario = replace(scenario, definition=replace(scenario.definition, nodes=nodes))
    one, other = (Play(scenario, rng).to_the_end() for rng in (one_order, other_order))
    assert one.status == other.status
    if one.status == "completed":
        assert plain(one.execution.output) == plain(other.execution.output)
        for node in nodes:
            assert one.state(node.id) == other.state(node.id)
            assert plain(one.input(node.id)) == plain(other.input(node.id))


@given(scenarios(), RANDOM)
def test_restart_at_any_moment_makes_no_difference(scenario, rng):
    """After every step the state is folded anew from the history as it is stored."""
    play = Play(scenario, rng)
    while not play.driver.execution.final:
        live = snapshot(play.driver.execution)
        play.driver = play.driver.copy()
        assert snapshot(play.driver.execution) == live
        play.step()
    assert_means(scenario, play.driver)


@given(scenarios(), RANDOM)
def test_pause_and_resume_at_any_moment_make_no_difference(scenario, rng):
    play = Play(scenario, rng)
    while not play.driver.execution.final:
        if rng.random() < 0.4:
            play.driver.send(Pause())
            while rng.random() < 0.7 and (play.driver.jobs or play.driver.timers) and play.driver.status == "paused":
                before = set(play.driver.jobs)
                play.step()
                assert set(play.driver.jobs) <= before, "nothing starts while paused"
            if play.driver.status == "paused":
                play.driver.send(Resume())
        else:
            play.step()
    assert_means(scenario, play.driver)


@given(scenarios(), RANDOM)
def test_lost_attempts_below_the_cap_make_no_difference(scenario, rng):
    play = Play(scenario, rng)
    while not play.driver.execution.final:
        jobs = [job for job in play.driver.jobs.values() if job.lost < 4]
        if jobs and rng.random() < 0.4:
            job = rng.choice(jobs)
            play.driver.send(AttemptLost((job.node_id, ""), job.dispatch))
        else:
            play.step()
    assert_means(scenario, play.driver)


@given(scenarios(), RANDOM)
def test_late_and_doubled_facts_change_nothing(scenario, rng):
    play = Play(scenario, rng)
    while not play.driver.execution.final:
        play.step()
        if play.past and rng.random() < 0.6:
            before = snapshot(play.driver.execution)
            old = rng.choice(play.past)
            assert not play.driver.send(old).events
            assert not play.driver.send(AttemptLost(old.key, old.dispatch)).events
            assert snapshot(play.driver.execution) == before
    assert_means(scenario, play.driver)
    final = snapshot(play.driver.execution)
    for old in play.past:
        assert play.driver.send(old).discarded
    assert snapshot(play.driver.execution) == final


@given(scenarios(), RANDOM, st.sampled_from([Cancel, Terminate]), st.integers(0, 12))
def test_cancel_and_terminate_at_any_moment_end_the_execution(scenario, rng, command, steps):
    play = Play(scenario, rng)
    for _ in range(steps):
        if not play.driver.execution.final:
            play.step()
    if play.driver.execution.final:
        return
    play.driver.send(command())
    handed_out = len(play.driver.events(NodeQueued))
    play.to_the_end()
    assert play.driver.status == "cancelled"
    assert len(play.driver.events(NodeQueued)) == handed_out, "nothing starts after the command"
    assert not [run for run in play.driver.execution.runs.values() if run.status in {"queued", "running", "retrying"}]
    assert_same_history(scenario, play.driver)


@given(scenarios(), RANDOM, st.integers(0, 12))
def test_execution_timeout_at_any_moment_ends_the_execution(scenario, rng, steps):
    scenario = replace(scenario, definition=replace(scenario.definition, timeout=3600.0))
    play = Play(scenario, rng)
    for _ in range(steps):
        if not play.driver.execution.final:
            play.step()
    if play.driver.execution.final:
        return
    play.driver.now += 3_600_000
    play.driver.fire(TimerKind.EXECUTION_TIMEOUT)
    assert play.driver.status == "timed_out"
    assert_same_history(scenario, play.driver)


def retried(driver, rng):
    """Retry it, at once or when there is room, perhaps with a pause meanwhile."""
    held = Retry(hold=True)
    ways = [[Retry()], [held, Admit()], [held, Pause(), Admit(), Resume()], [held, Pause(), Resume(), Admit()]]
    for fact in rng.choice(ways):
        driver.send(fact)


@given(scenarios(broken=False), RANDOM)
def test_retry_of_repaired_nodes_completes_and_completed_nodes_keep_their_results(scenario, rng):
    play = Play(scenario, rng)
    play.to_the_end()
    for _ in scenario.definition.nodes:
        driver = play.driver
        if driver.status == "completed":
            break
        kept = {run.node.id: run.output for run in driver.execution.runs.values() if run.status == "completed"}
        culprits = [run.node for run in driver.execution.runs.values() if run.handling in {"fail", "drain"}]
        assume(all(node.type.name != "script" for node in culprits))  # Its behaviour stands in the definition.
        repaired = {node.id: replace(play.scenario.behaviours[node.id], error=None, failures=0) for node in culprits}
        scenario = play.scenario = scenario.with_behaviours(**repaired)
        retried(driver, rng)
        play.to_the_end()
        assert all(driver.run(node).output == output for node, output in kept.items())
    assert play.driver.status == "completed"
    assert_same_history(scenario, play.driver)
    if not any(node.on_error is OnError.DRAIN for node in scenario.definition.nodes):
        assert_means(scenario, play.driver)


@given(scenarios(on_error=HANDLED, broken=False), RANDOM)
def test_retry_after_cancellation_at_any_moment_ends_as_if_nothing_had_happened(scenario, rng):
    play = Play(scenario, rng)
    for _ in range(rng.randint(0, 8)):
        if not play.driver.execution.final:
            play.step()
    if play.driver.execution.final:
        return
    play.driver.send(Cancel())
    play.to_the_end()
    retried(play.driver, rng)
    play.to_the_end()
    assert_means(scenario, play.driver)
