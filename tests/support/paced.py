"""Workflows that go exactly as far as a test lets them."""

STEPS = """
id: steps
name: Steps
description: Goes on when it is told to.
nodes:
  - id: go
    type: manual
    params:
      inputs:
        ticket: { type: integer, required: true, description: Which one. }
        subject: { type: string, default: nothing }
  - { id: fetch, type: transform, params: { value: { ticket: "{{ input.ticket }}", history: [1, 2, 3] } } }
  - { id: answer, type: wait_for_signal }
  - { id: reply, type: transform, params: { value: { sent: true } } }
edges: [go -> fetch, fetch -> answer, answer -> reply]
"""
BROKEN = """
id: broken
name: Broken
nodes:
  - { id: go, type: manual }
  - { id: fetch, type: transform, params: { value: { rows: 17 } } }
  - { id: parse, type: fail, params: { message: row 17 has no price, type: bad_row } }
  - { id: load, type: noop }
edges: [go -> fetch, fetch -> parse, parse -> load]
"""
QUICK = """
id: quick
name: Quick
nodes: [{ id: go, type: manual }, { id: done, type: noop }]
edges: [go -> done]
"""
