"""The versions of this package and of the random stream."""

__version__ = "0.1.0"

#: The version of the definition of every value. A change of any bit is a new version.
STREAM_VERSION = 1
