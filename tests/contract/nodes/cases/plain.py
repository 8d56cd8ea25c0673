"""Types that the engine runs within the commit that reaches them."""

from __future__ import annotations

from contract.nodes.cases.case import Check, EngineCase, Failure, Scene, Success

AT_ONCE = {
    Check.RETRY: "the engine runs it, purely: what has failed would fail again",
    Check.TIMEOUT: "it is over within the commit that reaches it",
    Check.CANCEL: "it is over within the commit that reaches it",
}
FORK = "t -> n; n -true-> z; n -false-> other"
JOIN = "t -> a -> n; t -> b -> n; n -> z"


def _lists(left, right):
    return f"a: transform {left}; b: transform {right}"


PLAIN = (
    EngineCase(
        type="noop",
        succeeds=(Success(scene=Scene(input={"x": 1}), output={"x": 1}),),
        exempt=AT_ONCE | {Check.FAILURE: "it does nothing that could fail"},
    ),
    EngineCase(
        type="transform",
        succeeds=(
            Success(scene=Scene(params={"value": {"twice": "{{ input * 2 }}"}}, input=21), output={"twice": 42}),
            Success(scene=Scene(params={"set": {"b": 2}}, input={"a": 1}), output={"a": 1, "b": 2}),
        ),
        fails=Failure(scene=Scene(params={"value": "{{ input + 1 }}"}, input="x"), error="expression_error"),
        exempt=AT_ONCE,
    ),
    EngineCase(
        type="set",
        succeeds=(
            Success(scene=Scene(params={"set": {"b": "{{ input.a + 1 }}"}}, input={"a": 1}), output={"a": 1, "b": 2}),
        ),
        fails=Failure(scene=Scene(params={"set": {"b": 2}}, input=[1]), error="invalid_input"),
        exempt=AT_ONCE,
    ),
    EngineCase(
        type="if",
        succeeds=(
            Success(scene=Scene(params={"condition": "input > 1"}, input=2, graph=FORK), output=2, skipped=("other",)),
            Success(scene=Scene(params={"condition": "input > 1"}, input=1, graph=FORK), output=1, skipped=("z",)),
        ),
        fails=Failure(scene=Scene(params={"condition": "input > 1"}, input="x"), error="expression_error"),
        exempt=AT_ONCE,
    ),
    EngineCase(
        type="switch",
        succeeds=(
            Success(
                scene=Scene(
                    params={"value": "input.land", "cases": {"home": "DE"}},
                    input={"land": "DE"},
                    graph="t -> n; n -home-> z; n -default-> other",
                ),
                output={"land": "DE"},
                skipped=("other",),
            ),
        ),
        fails=Failure(
            scene=Scene(params={"value": "input.land / 2", "cases": {"home": "DE"}}, input={"land": "DE"}),
            error="expression_error",
        ),
        exempt=AT_ONCE,
    ),
    EngineCase(
        type="decision",
        succeeds=(
            Success(
                scene=Scene(
                    params={"conditions": [{"id": "large", "expression": "input > 9"}], "default_path": "small"},
                    input=3,
                    graph="t -> n; n -small-> z; n -large-> other",
                ),
                output=3,
                skipped=("other",),
            ),
        ),
        fails=Failure(
            scene=Scene(params={"conditions": [{"id": "large", "expression": "input > 9"}]}, input="x"),
            error="expression_error",
        ),
        exempt=AT_ONCE,
    ),
    EngineCase(
        type="filter",
        succeeds=(
            Success(scene=Scene(params={"condition": "input"}, input=1), output=1),
            Success(scene=Scene(params={"condition": "input"}, input=0), output=0, skipped=("z",)),
        ),
        fails=Failure(scene=Scene(params={"condition": "1 / input"}, input=0), error="expression_error"),
        exempt=AT_ONCE,
    ),
    EngineCase(
        type="merge",
        succeeds=(
            Success(
                scene=Scene(params={"mode": "append"}, graph=JOIN, others=_lists('{"value": [1]}', '{"value": 2}')),
                output=[1, 2],
            ),
        ),
        fails=Failure(
            scene=Scene(params={"mode": "combine"}, graph=JOIN, others=_lists('{"value": {}}', '{"value": 2}')),
            error="invalid_input",
        ),
        exempt=AT_ONCE,
    ),
    EngineCase(
        type="split",
        succeeds=(Success(scene=Scene(params={"batch_size": 2}, input=[1, 2, 3]), output=[[1, 2], [3]]),),
        fails=Failure(scene=Scene(input=7), error="invalid_input"),
        exempt=AT_ONCE,
    ),
    EngineCase(
        type="aggregate",
        succeeds=(Success(scene=Scene(params={"operation": "sum"}, input=[1, 2, 3]), output=6),),
        fails=Failure(scene=Scene(params={"operation": "sum"}, input=["x"]), error="invalid_input"),
        exempt=AT_ONCE,
    ),
    EngineCase(
        type="emit",
        succeeds=(
            Success(
                scene=Scene(params={"event_type": "order.paid", "data": {"id": "{{ input }}"}}, input=7),
                output=lambda event: event["type"] == "order.paid" and event["data"] == {"id": 7},
            ),
        ),
        fails=Failure(scene=Scene(params={"event_type": "{{ input }}"}, input="two words"), error="invalid_params"),
        exempt=AT_ONCE,
    ),
    EngineCase(
        type="fail",
        succeeds=(),
        fails=Failure(scene=Scene(params={"message": "No {{ input }}", "type": "empty"}, input=1), error="empty"),
        exempt=AT_ONCE | {Check.SUCCESS: "it is there to fail"},
    ),
)
