"""Faults planted one after another in a copy of the course: which does no test notice?"""
