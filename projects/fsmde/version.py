"""The version of fsmde."""

__version__ = '0.1.0'
