"""The tenants of a site that has some."""
