"""Receivers of our own signals; importing this connects them."""

from actionstep_connect.receivers import email

__all__ = ["email"]
