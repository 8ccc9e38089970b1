"""Users with primary keys of three kinds, and the tenants that some sites have."""
