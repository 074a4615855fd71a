"""Tools that connect where a sound comes from with where it is seen."""

__version__ = "0.1.0"
