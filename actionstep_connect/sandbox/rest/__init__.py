"""The REST API: JSON:API as it was before 1.0, as Actionstep speaks it."""
