"""Builders: plain functions whose defaults make a valid thing and add it to the open transaction.

Domain tests call them with the `session` fixture; HTTP tests inside `with db.transaction():`.
"""
