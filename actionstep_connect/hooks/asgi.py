"""A process of its own for the receiver: `uvicorn actionstep_connect.hooks.asgi:application`.

DJANGO_SETTINGS_MODULE names the site's settings. It serves the addresses of hooks and nothing else.
"""

import django
from django.utils.module_loading import import_string

django.setup()

#: For an ASGI server. Its room needs the models.
application = import_string("actionstep_connect.hooks.endpoint.Endpoint")()
