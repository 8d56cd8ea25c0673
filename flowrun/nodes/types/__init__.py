"""flowrun's own node types, one module each."""

from __future__ import annotations

from flowrun.nodes.base import BaseNodeType
from flowrun.nodes.types.agent import Agent
from flowrun.nodes.types.aggregate import Aggregate
from flowrun.nodes.types.code import Code
from flowrun.nodes.types.decision import Decision
from flowrun.nodes.types.delay import Delay
from flowrun.nodes.types.emit import Emit
from flowrun.nodes.types.error import ErrorTrigger
from flowrun.nodes.types.event import EventTrigger
from flowrun.nodes.types.fail import Fail
from flowrun.nodes.types.filter import Filter
from flowrun.nodes.types.for_each import ForEach
from flowrun.nodes.types.http import Http
from flowrun.nodes.types.if_ import If
from flowrun.nodes.types.loop import Loop
from flowrun.nodes.types.manual import ManualTrigger
from flowrun.nodes.types.merge import Merge
from flowrun.nodes.types.noop import Noop
from flowrun.nodes.types.respond import RespondNode
from flowrun.nodes.types.schedule import ScheduleTrigger
from flowrun.nodes.types.send import Send
from flowrun.nodes.types.split import Split
from flowrun.nodes.types.switch import Switch
from flowrun.nodes.types.transform import Set, Transform
from flowrun.nodes.types.wait_for_signal import WaitForSignal
from flowrun.nodes.types.webhook import WebhookTrigger
from flowrun.nodes.types.workflow import SubWorkflow

BUILTIN_TYPES: tuple[type[BaseNodeType], ...] = (
    Agent,
    Aggregate,
    Code,
    Decision,
    Delay,
    Emit,
    ErrorTrigger,
    EventTrigger,
    Fail,
    Filter,
    ForEach,
    Http,
    If,
    Loop,
    ManualTrigger,
    Merge,
    Noop,
    RespondNode,
    ScheduleTrigger,
    Send,
    Set,
    Split,
    Switch,
    Transform,
    SubWorkflow,
    WaitForSignal,
    WebhookTrigger,
)
