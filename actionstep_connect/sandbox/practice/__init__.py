"""Two made-up law firms: the same people and the same rows at every start.

Each module fills some resources of a `Practice`; `firms.build` calls them in the order in which
links need the rows they lead to. The ids that the published documents give as examples exist.
"""
