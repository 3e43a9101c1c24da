"""The version of fsmde."""

__version__ = '0.2.0'
