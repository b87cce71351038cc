"""The imperative shell every function shares."""
