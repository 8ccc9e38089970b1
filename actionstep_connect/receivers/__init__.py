"""Receivers of this package's signals; importing this connects them."""

from actionstep_connect.receivers import email, sign_in

__all__ = ["email", "sign_in"]
