"""`python -m tests.support.oauth_toolkit REDIRECT_URI`."""

import os
import sys

import django
from django.utils.module_loading import import_string

if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.support.oauth_toolkit.settings"
    django.setup()
    # Models exist only now.
    import_string("tests.support.oauth_toolkit.server.run")(sys.argv[1])
