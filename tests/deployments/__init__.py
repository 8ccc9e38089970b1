"""Every deployment that the documentation names, with real servers, through one and the same story."""
