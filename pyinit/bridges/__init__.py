"""Bridges to other systems. Nothing outside this folder imports them."""
