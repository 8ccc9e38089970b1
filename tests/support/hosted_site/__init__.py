"""A site of two hosts with a URLconf each, by django-hosts: the pages of this package are at one of them."""
