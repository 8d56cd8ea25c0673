"""A definition as a Mermaid flowchart."""

from __future__ import annotations

from flowrun.domain.definition import ERROR_PORT, EdgeDefinition, NodeDefinition, WorkflowDefinition

_TRIGGER = ('(["', '"])')
_BRANCH = ('{"', '"}')
_WAIT = ('{{"', '"}}')
_BODY = ('[["', '"]]')
_END = ('("', '")')
_OTHER = ('["', '"]')
_BRACKETS = {
    **dict.fromkeys(("webhook", "schedule", "event", "manual", "error"), _TRIGGER),
    **dict.fromkeys(("decision", "if", "switch", "filter"), _BRANCH),
    **dict.fromkeys(("delay", "wait_for_signal"), _WAIT),
    **dict.fromkeys(("for_each", "loop", "workflow"), _BODY),
    **dict.fromkeys(("respond", "send", "fail"), _END),
}
_LONGEST_LABEL = 60
_HARMLESS = frozenset(" -_.,/()=+*!?'@$:")


def to_mermaid(definition: WorkflowDefinition) -> str:
    """Mermaid text: triggers are stadiums, decisions rhombuses, waits hexagons, sub-workflows and loops framed.

    Edges show their port and condition, error edges are dotted, disabled nodes dashed. Nodes are numbered rather than
    named in the source, and labels hold no character that Mermaid reads as its own. An edge to nowhere is left out.
    """
    numbers: dict[str, str] = {}
    for node in definition.nodes:
        numbers.setdefault(node.id, f"n{len(numbers)}")
    lines = ["flowchart LR"]
    lines.extend(f"    {numbers[node.id]}{_shape(node)}" for node in definition.nodes)
    lines.extend(
        f"    {numbers[edge.source]} {_arrow(edge)} {numbers[edge.target]}"
        for edge in definition.edges
        if edge.source in numbers and edge.target in numbers
    )
    disabled = sorted({int(numbers[node.id][1:]) for node in definition.nodes if node.disabled})
    if disabled:
        lines.append("    classDef disabled stroke-dasharray: 4 4, opacity: 0.6")
        lines.append(f"    class {','.join(f'n{number}' for number in disabled)} disabled")
    return "\n".join(lines) + "\n"


def _shape(node: NodeDefinition) -> str:
    before, after = _BRACKETS.get(node.type, _OTHER)
    return f"{before}{_escaped(node.name or node.id)}<br/>{_escaped(node.type)}{after}"


def _arrow(edge: EdgeDefinition) -> str:
    line = "-.->" if edge.source_handle == ERROR_PORT else "-->"
    port = edge.source_handle or ""
    condition = f"if {edge.condition.strip()}" if edge.condition else ""
    label = ": ".join(part for part in (port, condition) if part)
    return f'{line}|"{_escaped(label)}"|' if label else line


def _escaped(text: str) -> str:
    line = " ".join(text.split())
    if len(line) > _LONGEST_LABEL:
        line = line[: _LONGEST_LABEL - 1] + "…"
    return "".join(char if char.isalnum() or char in _HARMLESS or char == "…" else f"#{ord(char)};" for char in line)
