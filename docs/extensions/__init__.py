"""What the documentation's site needs beside Sphinx: each module is an extension."""
