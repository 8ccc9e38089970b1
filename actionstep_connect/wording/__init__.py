"""What end-users read: scopes, failures and states, each in plain words and translatable."""
