"""Reminding: the e-mail that asks a user to reconnect, at most one for each cause.

`Connection.remind_at` is the whole queue. A request for a reminder sets it (`queue`); maintenance
writes the e-mails (`letter`) and has them delivered (`delivery`), after its last store, so that no
refresh, page or transaction ever waits for a mail server.
"""

from actionstep_connect.flows.remind.queue import log_not_reminded, remind, send_reminders

__all__ = ["log_not_reminded", "remind", "send_reminders"]
