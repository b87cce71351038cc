"""Everything the functions share; the same files stand in the repository and in every zip."""
