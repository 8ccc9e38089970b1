"""A small site, as its settings in the environment say: the same code in every deployment."""
