"""Tests of what measures, not of what is measured."""
