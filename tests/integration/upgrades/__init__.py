"""Databases of released versions, brought to the present schema."""
