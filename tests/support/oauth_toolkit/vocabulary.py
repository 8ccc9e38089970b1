"""What it calls its one client, end-user and organisation."""

CLIENT_ID, CLIENT_SECRET = "toolkit-client", "toolkit-secret"
USERNAME, PASSWORD = "priya", "toolkit-password"
ORGKEY = "toolkitlaw"
