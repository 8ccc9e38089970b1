"""Change notifications: REST hooks at Actionstep, kept alive, and the changes that they tell of.

The second app of this package, switched on by ``"actionstep_connect.hooks"`` in INSTALLED_APPS.

A call of Actionstep's goes this way:

- ``views`` takes the call in: ``flows.intake`` finds whose address it is and stores a notification,
  whatever the handlers would do with it. The answer is 200 once that is committed.
- ``asgi`` does the same in a process of its own: ``endpoint`` reads what comes, ``gathering`` has what
  arrives together done together, and ``flows.batches`` stores it with an outcome for each call.
- ``waking`` asks a Celery worker to deliver, where there is a broker. Without one, maintenance does.
- ``flows.deliver`` claims what is due, in order for each row, reads the row again as the bearer, and
  calls the handlers of ``registry``. What raises is tried again (``policy``), then set aside.

Every minute maintenance (``flows.maintain``) comes by:

- ``flows.keep`` compares what is wanted with what is registered, organisation by organisation under
  a lease, and registers what is missing, again what Actionstep has disabled, and removes the rest.
- ``flows.catch_up`` fetches what changed while a hook was silent, and says what cannot be known.
- ``flows.prune`` deletes what is older than HOOKS_RETENTION.

Before a connection ends, ``flows.farewell`` removes its hooks at Actionstep.

Terms: the *bearer* is the connection that carries an organisation's hooks; HOOKS_BEARER names it. A
*subscription* is one event of one organisation. Its *address* is where Actionstep calls, and holds a
secret: only a hash is stored, and each registration makes a new one. A *gap* is a time in which a
subscription may have missed calls.

Sites import from ``actionstep_connect.hooks.api``, and put handlers into ``actionstep_changes.py`` of
any installed app.
"""
