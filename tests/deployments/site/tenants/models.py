"""One schema for each law firm."""

from django.db import models
from django_tenants.models import DomainMixin, TenantMixin


class Tenant(TenantMixin):  # type: ignore[misc]  # django-tenants ships no annotations.
    """A law firm; its schema is made when it is saved."""

    name = models.CharField(max_length=50, blank=True)


class Domain(DomainMixin):  # type: ignore[misc]  # django-tenants ships no annotations.
    """A law firm's address, which django-tenants asks for."""
