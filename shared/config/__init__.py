"""One environment's configuration: typed, validated, every problem reported at once."""
