"""System checks: what `manage.py check` reports, and what only `check --deploy` reports.

Nothing here opens a token or needs a network, and only `check --database` asks a database. Each id is
in `check_ids`, and has its line in `docs/checks.md`.
"""

from django.core import checks

from actionstep_connect.check_ids import TAG
from actionstep_connect.checks import deployment, keys, settings, templates, urls

ALWAYS = (
    settings.check_settings,
    settings.check_redirect_uri,
    settings.check_reminders,
    keys.check_keys_module,
    deployment.check_site,
    urls.check_urls,
    urls.check_views,
    urls.check_form_action,
    templates.check_base_template,
)
WITH_DATABASE = (keys.check_stored_keys, settings.check_current_site)
ONLY_WITH_DEPLOY = (
    keys.check_keys,
    settings.check_endpoints,
    deployment.check_deployment,
    deployment.check_row_locks,
    deployment.check_queues,
)


def register_checks() -> None:
    """Register the checks under this package's tag."""
    for check in ALWAYS:
        checks.register(check, TAG)
    for check in WITH_DATABASE:
        checks.register(check, TAG, checks.Tags.database)
    for check in ONLY_WITH_DEPLOY:
        checks.register(check, TAG, deploy=True)
