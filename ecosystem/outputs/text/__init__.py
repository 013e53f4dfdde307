"""Texts: prompts with real answers, and judges of what models answer."""
