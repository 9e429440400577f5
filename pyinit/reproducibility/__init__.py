"""What shows that weights are the same: fingerprints, and golden vectors for the installed copy."""
