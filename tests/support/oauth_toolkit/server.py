"""Make the database, one end-user and one client; then serve until stopped."""

from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application
from oauth2_provider.models import Application

from tests.support.oauth_toolkit.vocabulary import CLIENT_ID, CLIENT_SECRET, PASSWORD, USERNAME


def run(redirect_uri: str) -> None:
    """Serve at a free port of loopback, for a client that may come back to `redirect_uri`."""
    call_command("migrate", verbosity=0)
    User.objects.create_user(USERNAME, password=PASSWORD)
    Application.objects.create(
        name="The site",
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        client_type=Application.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Application.GRANT_AUTHORIZATION_CODE,
        redirect_uris=redirect_uri,
    )
    server = ThreadedWSGIServer(("127.0.0.1", 0), WSGIRequestHandler)
    server.daemon_threads = True
    server.set_app(get_wsgi_application())
    print(f"Ready at http://127.0.0.1:{server.server_port}/", flush=True)
    server.serve_forever()
