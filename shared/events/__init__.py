"""Bytes to facts: one file per source, with its documentation linked."""
