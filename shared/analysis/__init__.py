"""The judge: pure statistics from evidence to a verdict, standard library only."""
