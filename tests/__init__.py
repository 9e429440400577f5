"""Tests of pyinit, grouped as the package is; `project` tests the rest of the checkout."""
