"""The tables, with the same names on every database.

Times are milliseconds since the epoch, ids are text, JSON is text that flowrun writes itself. Payloads are stored
once, in the event that brought them; `node_executions` and `executions` point at it (`result_seq`).
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, LargeBinary, MetaData, Table, Text, text

metadata = MetaData()

instance = Table(
    "instance",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("boot_epoch", Integer, nullable=False),
    Column("key_salt", LargeBinary, comment="what passphrases are made encryption keys with"),
    Column("resume_key", LargeBinary, comment="what the addresses of waiting nodes are signed with"),
    comment="One row: how often a process has started on this database.",
)

tenants = Table(
    "tenants",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("limits", Text, comment="JSON: running_executions, running_nodes, at_limit; NULL is none"),
    Column("created_at", BigInteger, nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant_id", Text, comment="NULL: an operator's key, good for every tenant"),
    Column("name", Text, nullable=False),
    Column("secret_hash", LargeBinary, nullable=False, comment="SHA-256 of the secret part"),
    Column("scopes", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("revoked_at", BigInteger),
)

secrets = Table(
    "secrets",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("ciphertext", LargeBinary, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)

channels = Table(
    "channels",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("credentials", LargeBinary, nullable=False, comment="JSON, encrypted"),
    Column("key_id", Text, nullable=False),
    Column("webhook_url", Text, comment="path of the published webhook that it proves; NULL: none"),
    Column("status", Text, nullable=False),
    Column("status_reason", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Index("channels_by_name", "tenant_id", "name", unique=True),
)

workflows = Table(
    "workflows",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("nodes", Text, nullable=False),
    Column("edges", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("tags", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("settings", Text, nullable=False, comment="on_error, timeout, concurrency, variables"),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)

workflow_versions = Table(
    "workflow_versions",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("workflow_id", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("definition", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", Text),
)

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("workflow_id", Text, nullable=False),
    Column("node_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("config", Text, nullable=False, comment="the webhook node's params"),
    Column("secret", LargeBinary),
    Column("status", Text, nullable=False),
    Column("last_triggered_at", BigInteger),
    Column("channel", Text, comment="the name of the channel that proves who calls"),
    Index("webhooks_by_workflow", "tenant_id", "workflow_id"),
    Index("webhooks_by_channel", "tenant_id", "channel", sqlite_where=text("channel IS NOT NULL")),
)

webhook_events = Table(
    "webhook_events",
    metadata,
    # The delivery log is read per webhook, and written at every delivery: one tree serves both.
    Column("webhook_id", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("channel_id", Text),
    Column("event_type", Text, nullable=False),
    Column("dedupe_key", Text),
    Column("outcome", Text, nullable=False),
    Column("reason", Text, comment="why it was refused or failed, or what it repeats"),
    Column("execution_id", Text, comment="its first event holds the payload"),
    Column("payload", Text, comment="NULL when an execution holds it, or nobody proved who sent it"),
    Column("received_at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("scope", Text, primary_key=True, comment="the trigger or the route that the key belongs to"),
    Column("key", Text, primary_key=True),
    Column("request_hash", LargeBinary, nullable=False),
    Column("response", Text, nullable=False, comment="JSON: what the first request was answered"),
    Column("created_at", BigInteger, nullable=False),
    Index("idempotency_keys_by_age", "created_at"),
)

executions = Table(
    "executions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("workflow_id", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("trigger_type", Text, nullable=False),
    Column("rerun_of", Text),
    Column("reason", Text),
    Column("result_seq", Integer, comment="the event that ended it, with its output or error"),
    Column("created_at", BigInteger, nullable=False),
    Column("started_at", BigInteger),
    Column("finished_at", BigInteger),
    # Ids are UUIDv7: their order is the order of creation.
    Index("executions_by_tenant", "tenant_id", "id"),
    Index("executions_by_workflow", "tenant_id", "workflow_id", "status", "id"),
    Index("executions_by_status", "tenant_id", "status", "id"),
    Index("executions_live", "status", "tenant_id", "workflow_id", "version", sqlite_where=text("finished_at IS NULL")),
    sqlite_with_rowid=False,
)

node_executions = Table(
    "node_executions",
    metadata,
    Column("execution_id", Text, primary_key=True),
    Column("node_id", Text, primary_key=True),
    Column("iteration", Text, primary_key=True),
    Column("status", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("lost", Integer, nullable=False),
    Column("dispatch", Integer, nullable=False),
    Column("sources", Text, comment="JSON: the parents whose output is the input"),
    Column("skip_reason", Text),
    Column("skip_origin", Text),
    Column("handling", Text),
    Column("result_seq", Integer, comment="the event that holds the output or the latest error"),
    Column("queued_at", BigInteger),
    Column("started_at", BigInteger),
    Column("finished_at", BigInteger),
    Column("due_at", BigInteger),
    sqlite_with_rowid=False,
)

execution_events = Table(
    "execution_events",
    metadata,
    Column("execution_id", Text, primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("type", Text, nullable=False),
    Column("node_id", Text),
    Column("iteration", Text),
    Column("data", Text, comment="JSON: the event's own fields, defaults left out"),
    sqlite_with_rowid=False,
)

node_logs = Table(
    "node_logs",
    metadata,
    Column("execution_id", Text, primary_key=True),
    Column("node_id", Text, primary_key=True),
    Column("iteration", Text, primary_key=True),
    Column("seq", Integer, primary_key=True, comment="the number of its last line, counted over all attempts"),
    Column("attempt", Integer, nullable=False),
    Column("lines", Text, nullable=False, comment="JSON: pairs of time and text"),
    comment="What nodes have logged; a part of their execution that goes with it.",
    sqlite_with_rowid=False,
)

jobs = Table(
    "jobs",
    metadata,
    Column("execution_id", Text, primary_key=True),
    Column("node_id", Text, primary_key=True),
    Column("iteration", Text, primary_key=True),
    Column("dispatch", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("lost", Integer, nullable=False),
    Column("tenant_id", Text, nullable=False),
    Column("workflow_id", Text, nullable=False),
    Column("node_type", Text, nullable=False),
    Column("worker", Text, nullable=False),
    Column("params", Text, nullable=False),
    Column("input", Text),
    Column("timeout", Float, nullable=False),
    Column("careful", Boolean, nullable=False),
    Column("queued_at", BigInteger, nullable=False),
    Column("secret_token", Text, comment="what the marks of secrets in params are known by"),
    Column("epoch", Integer, nullable=False, comment="the boot epoch of the process that holds it in memory"),
    sqlite_with_rowid=False,
)

timers = Table(
    "timers",
    metadata,
    Column("execution_id", Text, primary_key=True),
    Column("node_id", Text, primary_key=True),
    Column("iteration", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("due_at", BigInteger, nullable=False),
    Index("timers_by_due", "due_at"),
    sqlite_with_rowid=False,
)

event_triggers = Table(
    "event_triggers",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("workflow_id", Text, primary_key=True),
    Column("node_id", Text, primary_key=True),
    Column("config", Text, nullable=False, comment="JSON: the event node's params with their defaults"),
    comment="The event triggers of published workflows.",
    sqlite_with_rowid=False,
)

events = Table(
    "events",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("source", Text, nullable=False),
    Column("event_id", Text, nullable=False, comment="the sender's id, unique within the source"),
    Column("type", Text, nullable=False),
    Column("attributes", Text, nullable=False, comment="JSON: every context attribute but specversion"),
    Column("payload", Text, comment="JSON: the data; NULL when an execution holds it"),
    Column("emitted_by", Text, comment="the execution that emitted it; NULL: it was sent to the API"),
    Column("outcome", Text, nullable=False),
    Column("filtered", Integer, nullable=False, comment="how many triggers matched whose filter let it pass by"),
    Column("received_at", BigInteger, nullable=False),
    Index("events_pending", "id", sqlite_where=text("outcome = 'pending'")),
    sqlite_with_rowid=False,
)

event_deliveries = Table(
    "event_deliveries",
    metadata,
    Column("event_id", Text, primary_key=True, comment="events.id"),
    Column("workflow_id", Text, primary_key=True),
    Column("node_id", Text, primary_key=True),
    Column("outcome", Text, nullable=False),
    Column("reason", Text),
    Column("execution_id", Text),
    sqlite_with_rowid=False,
)

schedules = Table(
    "schedules",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("workflow_id", Text, nullable=False),
    Column("node_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("config", Text, nullable=False, comment="JSON: the schedule node's params with their defaults"),
    Column("status", Text, nullable=False, comment="active, paused, inactive (not published) or ended (no time left)"),
    Column("anchor_at", BigInteger, nullable=False, comment="the start that intervals are counted from"),
    Column("next_at", BigInteger, comment="NULL unless it is active"),
    Column("last_at", BigInteger, comment="the latest time that was decided over"),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Index("schedules_by_workflow", "tenant_id", "workflow_id"),
    Index("schedules_by_next", "next_at"),
)

schedule_fires = Table(
    "schedule_fires",
    metadata,
    Column("schedule_id", Text, primary_key=True),
    Column("scheduled_at", BigInteger, primary_key=True),
    Column("through_at", BigInteger, comment="the row stands for every time up to this one"),
    Column("decision", Text, nullable=False),
    Column("reason", Text),
    Column("execution_id", Text),
    Column("decided_at", BigInteger, nullable=False),
    Index("schedule_fires_queued", "schedule_id", sqlite_where=text("decision = 'queued'")),
    sqlite_with_rowid=False,
)

conversations = Table(
    "conversations",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("workflow_id", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("messages", Text, nullable=False, comment="JSON: the last turns, each once by its idempotency key"),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Index("conversations_by_age", "updated_at"),
)
