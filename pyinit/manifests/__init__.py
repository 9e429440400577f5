"""Manifests: files that pin the initial weights of a model, and the functions that use them."""
