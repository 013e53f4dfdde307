"""Shipped scenarios, one story a file; `ecosystem list` names them."""
