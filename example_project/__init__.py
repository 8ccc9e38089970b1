"""A site as a law firm's developer would build one, and the demo that runs it."""
