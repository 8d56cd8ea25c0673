"""Alembic's migrations: each changes the tables from one released version's to the next one's."""
