"""What a site may add: each module needs the extra of its name."""
