"""Shared by the scripts."""
