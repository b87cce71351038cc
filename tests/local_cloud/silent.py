"""A child that hears every question and answers none."""

import sys

sys.stdin.read()
