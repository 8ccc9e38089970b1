"""Comparing Actionstep's answers with what the sandbox takes for facts: names and types only."""
