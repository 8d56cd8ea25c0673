"""Definitions as pictures."""

import re

from hypothesis import given
from hypothesis import strategies as st

from flowrun.domain.definition import EdgeDefinition, NodeDefinition, WorkflowDefinition
from flowrun.formats import to_mermaid


def picture(nodes, edges=()):
    return to_mermaid(WorkflowDefinition("w", "w", tuple(nodes), tuple(edges)))


def test_picture():
    nodes = [
        NodeDefinition("in", "webhook", "Order"),
        NodeDefinition("big", "if"),
        NodeDefinition("wait", "delay"),
        NodeDefinition("child", "workflow"),
        NodeDefinition("call", "http", disabled=True),
        NodeDefinition("end", "respond"),
    ]
    edges = [
        EdgeDefinition("1", "in", "big"),
        EdgeDefinition("2", "big", "wait", "true"),
        EdgeDefinition("3", "big", "child", "false", "input.total > 3"),
        EdgeDefinition("4", "wait", "call", None, "vars.on"),
        EdgeDefinition("5", "call", "end", "error"),
        EdgeDefinition("6", "call", "nowhere"),
    ]
    assert picture(nodes, edges) == (
        "flowchart LR\n"
        '    n0(["Order<br/>webhook"])\n'
        '    n1{"big<br/>if"}\n'
        '    n2{{"wait<br/>delay"}}\n'
        '    n3[["child<br/>workflow"]]\n'
        '    n4["call<br/>http"]\n'
        '    n5("end<br/>respond")\n'
        "    n0 --> n1\n"
        '    n1 -->|"true"| n2\n'
        '    n1 -->|"false: if input.total #62; 3"| n3\n'
        '    n2 -->|"if vars.on"| n4\n'
        '    n4 -.->|"error"| n5\n'
        "    classDef disabled stroke-dasharray: 4 4, opacity: 0.6\n"
        "    class n4 disabled\n"
    )


def test_long_labels_are_cut():
    assert '"' + "x" * 59 + "…<br/>noop" in picture([NodeDefinition("a", "noop", "x" * 500)])


LINE = re.compile(
    r'flowchart LR|    n\d+[(\[{]{1,2}"[^"\n]*"[)\]}]{1,2}|    n\d+ -\.?->?(\|"[^"\n]*"\|)? n\d+'.replace(
        "-\\.?->?", "(-->|-\\.->)"
    )
)


@given(st.text(), st.text('"]})|%{;#<>&`\n-end'), st.text())
def test_no_text_breaks_the_picture(name, port, condition):
    nodes = [NodeDefinition("a", "manual", name), NodeDefinition("b", name or "x", port)]
    lines = picture(nodes, [EdgeDefinition("e", "a", "b", port or None, condition or None)]).splitlines()
    assert len(lines) == 4
    for line in lines:
        assert LINE.fullmatch(line)
        labels = "".join(re.findall(r'"([^"]*)"', line)).replace("<br/>", "")
        assert not set(labels) & set('<>&`|{}[]%"\\~^')
        assert all(re.match(r"#\d+;", labels[at.start() :]) for at in re.finditer("#", labels))
