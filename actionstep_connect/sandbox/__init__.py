"""A stand-in for Actionstep: a Django project of its own, for development and tests.

Start it with ``python -m actionstep_connect.sandbox``. Never put it in a site's ``INSTALLED_APPS``.
"""
