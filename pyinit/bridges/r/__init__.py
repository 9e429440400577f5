"""The bridge to R: the functions the R package calls, arrays over Arrow, and R inside Python."""
