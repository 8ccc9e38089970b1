"""What this package keeps in a user's session, and under which keys."""

#: The random marker that an attempt to connect is bound to.
MARKER = "actionstep_connect"
#: The organisation in which a user of several chose to work.
CHOSEN_ORGKEY = "actionstep_connect_orgkey"
#: That Actionstep connected another organisation than the one requested; shown once.
OTHER_ORGANISATION = "actionstep_connect_other_organisation"
