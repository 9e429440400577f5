"""The same bits on other platforms: the golden vectors, drawn under each of them."""
