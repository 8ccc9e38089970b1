"""This package beside django-esi, which does the nearest job for another service: refreshing tokens."""
