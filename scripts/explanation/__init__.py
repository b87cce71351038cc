"""Rollouts told from the ledger, drawn, and judged again."""
