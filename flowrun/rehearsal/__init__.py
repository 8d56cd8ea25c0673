"""Rehearses workflows: their test cases run through the real decisions, with stand-ins and virtual time."""
