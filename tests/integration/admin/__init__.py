"""The admin: everything is seen but the tokens, and nothing is edited."""
