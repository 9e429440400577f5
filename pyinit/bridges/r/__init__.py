"""The bridge to R: what the R package calls, arrays over Arrow, and R inside Python."""
