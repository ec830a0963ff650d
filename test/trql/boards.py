"""Queries of dashboards."""


def run(differential):
    return 0, 0
