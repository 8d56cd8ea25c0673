"""A database with rows written by hand, and a context that can only read it."""

from __future__ import annotations

from types import SimpleNamespace

import orjson
import pytest
from sqlalchemy import create_engine, insert
from support.node_types import TYPES
from support.ready_database import make_ready

from flowrun.bus import OPERATOR
from flowrun.persistence import tables as t
from flowrun.persistence.database import ReadOnly
from flowrun.persistence.graphs import GraphStore
from flowrun.queries import QUERIES

NOW = 1_800_000_000_000


class Database:
    """Rows in, documents out."""

    def __init__(self, path):
        self.path = path
        make_ready(path)
        self.engine = create_engine(f"sqlite:///{path}")
        reader = ReadOnly(path)
        self.context = SimpleNamespace(
            reader=reader, graphs=GraphStore(reader, TYPES), types=TYPES, clock=SimpleNamespace(now=lambda: NOW)
        )

    def add(self, table, *rows):
        empty = dict.fromkeys(column.name for column in table.columns)
        with self.engine.begin() as connection:
            connection.execute(insert(table), [{**empty, **row} for row in rows])

    async def ask(self, query):
        query.check()
        return await QUERIES[type(query)](query, self.context, OPERATOR)

    def workflow(self, workflow_id, nodes, edges=()):
        document = {"id": workflow_id, "nodes": nodes, "edges": [{"source": a, "target": b} for a, b in edges]}
        key = {"tenant_id": "acme", "version": 1, "created_at": NOW}
        self.add(
            t.workflow_versions, {**key, "workflow_id": workflow_id, "definition": orjson.dumps(document).decode()}
        )
        texts = {"name": workflow_id, "description": "", "nodes": "[]", "edges": "[]", "tags": "[]", "settings": "{}"}
        self.add(t.workflows, {**key, **texts, "id": workflow_id, "status": "published", "updated_at": NOW})

    def execution(self, execution_id, **more):
        row = {
            "id": execution_id,
            "tenant_id": "acme",
            "workflow_id": "flow",
            "version": 1,
            "status": "running",
            "trigger_type": "manual",
            "created_at": NOW,
        }
        self.add(t.executions, {**row, **more})

    def events(self, execution_id, *events):
        """Pairs of type and data, or triples with the node."""
        rows = []
        for seq, (kind, data, *node) in enumerate(events, 1):
            row = {"execution_id": execution_id, "seq": seq, "at": NOW + seq * 1000, "type": kind}
            row["data"] = None if data is None else orjson.dumps(data).decode()
            rows.append({**row, "node_id": node[0] if node else None, "iteration": "" if node else None})
        self.add(t.execution_events, *rows)

    def run(self, execution_id, node_id, status, *, sources=None, **more):
        row = {"execution_id": execution_id, "node_id": node_id, "iteration": "", "status": status}
        row |= {"attempt": 1, "lost": 0, "dispatch": 0}
        row["sources"] = None if sources is None else orjson.dumps(sources).decode()
        self.add(t.node_executions, {**row, **more})


@pytest.fixture
async def database(tmp_path):
    database = Database(tmp_path / "q.db")
    database.add(t.tenants, {"id": "acme", "name": "Acme", "status": "active", "created_at": NOW})
    yield database
    await database.context.reader.close()
    database.engine.dispose()
