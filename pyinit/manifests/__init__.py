"""Manifests: files that pin the initial weights of a whole model, and what is done with them."""
