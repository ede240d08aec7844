"""The journal in text, JSON, tables, pictures and a page."""
