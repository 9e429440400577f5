"""Proofs that weights are the same: fingerprints, golden vectors and the self-test."""
