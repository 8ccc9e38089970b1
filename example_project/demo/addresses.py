"""Where the demo's processes listen, and what that means for their environment."""

import socket
from dataclasses import dataclass
from pathlib import Path

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Addresses:
    """The two ports of a demo and the folder that holds everything it keeps."""

    site_port: int
    sandbox_port: int
    folder: Path

    @property
    def site(self) -> str:
        """The example site's address, without a final slash."""
        return f"http://{LOOPBACK}:{self.site_port}"

    @property
    def sandbox(self) -> str:
        """The sandbox's address, without a final slash."""
        return f"http://{LOOPBACK}:{self.sandbox_port}"

    @property
    def callback(self) -> str:
        """The redirect URI that the sandbox must know."""
        return f"{self.site}/actionstep/callback/"

    def environment(self, *, maintenance_seconds: int) -> dict[str, str]:
        """Return the environment variables that lead the example site here."""
        return {
            "DEMO_DIR": str(self.folder),
            "DEMO_MAINTENANCE_SECONDS": str(maintenance_seconds),
            "ACTIONSTEP_ENVIRONMENT": "sandbox",
            "ACTIONSTEP_AUTHORIZE_URL": f"{self.sandbox}/api/oauth/authorize",
            "ACTIONSTEP_TOKEN_URL": f"{self.sandbox}/api/oauth/token",
            "ACTIONSTEP_API_HOSTS": f"{LOOPBACK}:{self.sandbox_port}",
            "ACTIONSTEP_HOOKS_URL": f"{self.site}/actionstep/hooks/",
        }


def is_free(port: int) -> bool:
    """Return whether a server could listen at ``port`` now."""
    with socket.socket() as probe:
        # As servers do it: a port that was in use a moment ago is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
