"""What is known of Actionstep's resources, as data.

`published.json` has the facts of Actionstep's published OpenAPI documents, word for word;
`beside.json` has, in the same form, resources that other sources show, with how sure each is.
`table` reads both into one table that drives the whole REST API.

To add a resource: describe it in `beside.json`, name what its links lead to in `links`, say in
`identifiers` how a composite id is made, and give it rows in `actionstep_connect.sandbox.practice`.
"""
