"""Conformance on other platforms: draw the golden vectors there and compare them bit for bit."""
