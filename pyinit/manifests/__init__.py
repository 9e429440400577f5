"""Manifests: files that record the initial weights of a model, and the functions that use them."""
