"""What this package does: one room for each story. Faces call these; each floor calls only lower ones.

    maintain        the job that a site schedules: refresh, flag, prune, remind, and leave a heartbeat
    ----------------------------------------------------------------------------------------------
    attempts        an attempt to connect: begin it, send the user to Actionstep, claim its callback
    connect         finish the attempt: exchange the code, store the connection
    disconnect      end a connection, and erase its tokens
    refresh/        spend a refresh token once and store its successor: in a run, or on demand
    flag            mark what is near its limit
    remind/         e-mail users whose connection needs them
    rotate          seal everything with the first encryption key
    prune           delete what is no longer needed
    doctor/         the checks of `manage.py actionstep_doctor`
    ----------------------------------------------------------------------------------------------
    health          is the site well? one judgement for pages, metrics, admin and doctor
    events          the audit trail, and the signals that follow a stored change
    keys            which encryption keys the rows need
    organisation_names   when an organisation is asked for its name, and keeping the answer
    statistics      how many refreshes came out how, by the hour
    ----------------------------------------------------------------------------------------------
    database/       the primary; work that commits apart from the caller's transaction
    conflicts       repeat what another transaction was in the way of

Rooms of one floor do not import each other, and import-linter holds that. How one connection is, is
judged below, in `models.condition`.
"""
