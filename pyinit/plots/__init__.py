"""Plots of initializers: the numbers, which need NumPy alone, and the figures of Matplotlib."""
