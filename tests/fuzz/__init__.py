"""Fuzzing: files that are changed at random must give a result or a documented error."""
