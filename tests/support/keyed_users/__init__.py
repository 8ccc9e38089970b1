"""A site whose users are known by keys of other kinds than Django's own."""
