"""What a site may add: each module needs the package of its name."""
