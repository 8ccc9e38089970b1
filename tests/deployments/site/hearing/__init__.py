"""What a site that hears of changes has: handlers that note what they hear, and a bearer."""
