"""Multi-user OAuth 2.0 connections from a Django site to Actionstep."""
