"""
What packages, deploys and looks after Careline: `python -m infra COMMAND`.
"""
