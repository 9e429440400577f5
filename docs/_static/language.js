// Remembers the language of the tabs, which sphinx-design forgets when the window is closed.
