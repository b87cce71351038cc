"""The backup core: what an export is called, whether it is good, and what a restore must show. Pure rules only."""
