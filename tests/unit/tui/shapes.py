"""Graphs to draw: the examples', and shapes that are hard to draw, in a short notation."""

from __future__ import annotations

import re
import zlib
from pathlib import Path

from flowrun.formats import read_document, read_workflow, to_document
from tui.render.graph import Graph
from tui.render.states import NodeState

EXAMPLES = Path(__file__).parents[3] / "examples"
_ARROW = re.compile(r"\s+-(?P<port>[\w-]*?)-?>\s+")


def shape(text: str, *, names: dict[str, str] | None = None, kind: str = "http") -> Graph:
    """The graph of lines such as `a -> b -error-> c`; `x` alone is a node without edges."""
    nodes: dict[str, dict[str, str]] = {}
    edges: list[dict[str, str]] = []
    for statement in filter(None, map(str.strip, re.split(r";|\n", text))):
        parts = _ARROW.split(statement)
        for node in parts[::2]:
            nodes.setdefault(node, {"id": node, "type": kind, "name": (names or {}).get(node, "")})
        edges += [
            {"source": parts[place - 2], "target": parts[place], "source_handle": parts[place - 1]}
            for place in range(2, len(parts), 2)
        ]
    return Graph.read({"nodes": list(nodes.values()), "edges": edges})


def example(path: Path) -> Graph:
    """The graph of a workflow file, as the service gives it out."""
    definition = read_workflow(read_document(path.read_text())).definition
    assert definition is not None
    return Graph.read(to_document(definition))


def states(text: str) -> dict[str, NodeState]:
    """`hook completed; agent running; each running 3/10; big completed via big->mail:true`."""
    found = {}
    for statement in filter(None, map(str.strip, text.split(";"))):
        node, status, *rest = statement.split()
        taken = frozenset(rest[1:]) if rest[:1] == ["via"] else None
        done, _, total = rest[0].partition("/") if rest and taken is None else ("", "", "")
        counts = {"done": int(done), "total": int(total)} if done else {}
        found[node] = NodeState(status, duration=0.42 if status == "completed" else None, taken=taken, **counts)
    return found


def fan(width: int) -> str:
    return "\n".join(f"split -> item-{number} -> join" for number in range(width))


def chain(length: int) -> str:
    return " -> ".join(f"step-{number}" for number in range(length))


def scattered(number: int, below: int) -> int:
    """A number below the other that looks like chance and is the same wherever it runs."""
    return zlib.crc32(str(number).encode()) % below


def layered(layers: int, width: int) -> str:
    """A graph such as people build them: mostly short edges to the next layer, a few that skip."""
    lines = []
    for layer in range(1, layers):
        for place in range(width):
            seed = layer * width + place
            above = min(width - 1, max(0, place + (-1, 0, 0, 0, 1)[scattered(seed, 5)]))
            lines.append(f"n{layer - 1}-{above} -> n{layer}-{place}")
            if scattered(seed, 100) < 15:
                lines.append(f"n{max(0, layer - 2 - scattered(seed, 3))}-{place} -> n{layer}-{place}")
    return "\n".join(dict.fromkeys(lines))


def thicket(size: int) -> str:
    """Every node leads to the next one and to two others anywhere further on."""
    pairs = [
        (a, b) for a in range(size - 1) for b in (a + 1, *(a + 1 + scattered(a * n, size - a - 1) for n in (3, 7)))
    ]
    return "\n".join(dict.fromkeys(f"n{a} -> n{b}" for a, b in pairs))


def examples() -> dict[str, Graph]:
    """Every workflow of the examples; what lies beside them is none."""
    paths = (path for path in sorted(EXAMPLES.rglob("*.yaml")) if path.parent.name != "payloads")
    return {f"example-{path.stem}": example(path) for path in paths}


SHAPES: dict[str, Graph] = {
    **examples(),
    "triage": shape("hook -> fetch -> score -> agent -> reply; fetch -> enrich -> agent; fetch -> agent"),
    "alone": shape("only"),
    "nothing": shape(""),
    "diamond": shape("a -> b -> d; a -> c -> d"),
    "diamonds": shape("a -> b -> d; a -> c -> d; d -> e -> g; d -> f -> g; g -> h"),
    "fan-10": shape(fan(10)),
    "fan-10-labelled": shape("\n".join(f"switch -case-{n}-> handle-{n}" for n in range(10))),
    "fan-of-chains": shape("\n".join(f"t -> read-{n} -> check-{n} -> write-{n} -> report" for n in range(5))),
    "bipartite-2": shape("t -> a; t -> b; a -> c; a -> d; b -> c; b -> d"),
    "bipartite-3": shape("\n".join(f"{a} -> {b}" for a in "abc" for b in "xyz")),
    "swap": shape("t -> a; t -> b; a -> x; a -> y; b -> x; x -> p; y -> q; b -> q"),
    "skip-one": shape("a -> b -> c; a -> c"),
    "skip-many": shape("a -> b -> c -> d -> e -> f; a -> d; a -> f; b -> e; c -> f"),
    "skip-from-all": shape("a -> b -> c -> d -> end; a -> end; b -> end; c -> end"),
    "errors-to-one": shape(
        "hook -> fetch -> score -> store -> reply; fetch -error-> alert; score -error-> alert; store -error-> alert"
    ),
    "errors-each": shape(
        "hook -> charge -> ship -> mail; charge -error-> refuse; ship -error-> refund -> refuse; mail -error-> log"
    ),
    "if-skip": shape("hook -> paid; paid -true-> ship; paid -false-> remind -> ship; ship -> done"),
    "if-both-join": shape("hook -> big; big -true-> ask -> book; big -false-> book; big -error-> alert; other -> book"),
    "switch-default": shape("in -> kind; kind -mail-> a -> end; kind -chat-> b -> end; kind -default-> end"),
    "loop": shape("start -> items; items -each-> price -> check; items -done-> total -> reply"),
    "loop-back": shape(
        "start -> pages; pages -each-> read -> store -> pages; pages -done-> report; pages -error-> alert"
    ),
    "loop-branch": shape(
        "start -> items; items -each-> known; known -true-> update -> note; known -false-> create -> note;"
        "items -done-> end"
    ),
    "loop-two-bodies": shape("start -> items; items -each-> left; items -each-> right; items -done-> end"),
    "loops-nested": shape(
        "start -> orders; orders -each-> lines; lines -each-> price -> stock; lines -done-> pack -> label;"
        "orders -done-> invoice -> mail; start -> audit -> mail"
    ),
    "loops-in-branches": shape(
        "hook -> a; hook -> b; a -each-> a1 -> a2; a -done-> join; b -each-> b1; b -done-> join; join -> end"
    ),
    "loop-three-deep": shape("a -each-> b; b -each-> c; c -each-> d; c -done-> e; b -done-> f; a -done-> g"),
    "triggers-apart": shape("hook -> a -> b; cron -> c -> d -> e; mail -> f; lonely"),
    "triggers-together": shape("hook -> read; cron -> load -> read; manual -> read; read -> act"),
    "trigger-late": shape("hook -> a -> b -> c -> d; cron -> d"),
    "names-long": shape(
        "hook -> a-step-with-a-name-that-nobody-can-remember -> b; hook -> short -> b",
        names={"b": "The very last step of them all, which tells everybody about it"},
    ),
    "names-wide": shape(
        "開始 -> データを読む -> 送る; 開始 -> e\u0301\u0301cole-🙂-naïve -> 送る", names={"送る": "結果をみんなに送る"}
    ),
    "names-hostile": shape(
        "in -> evil -> out", names={"evil": "\x1b[31m[red]\u202eboo\n[/red]", "out": "[link=file:///]x"}
    ),
    "ports-long": shape("in -> which; which -a-port-with-a-long-name-> a; which -b-> b"),
    "ports-many-to-one": shape("ask; ask -approved-> a; ask -rejected-> b; ask -timeout-> b; b -> end"),
    "cycle": shape("a -> b -> c -> a; c -> d"),
    "self": shape("a -> a -> b"),
    "order-pipeline": shape(
        "hook -> verify; verify -true-> reserve -> charge -> ship -> notify; verify -false-> reject;"
        "reserve -error-> alert; charge -error-> release -> alert; hook -> audit; ship -> invoice -> notify"
    ),
    "layers-100": shape(layered(20, 5)),
    "chain-40": shape(chain(40)),
    "thicket-100": shape(thicket(100)),
}
