"""fsmde."""
