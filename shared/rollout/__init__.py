"""The rollout core: pure rules, no clock, client, logger, environment or randomness."""
