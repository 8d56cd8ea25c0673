"""A webhook trigger for definitions."""


def hook(path="in", node_id="hook", **params):
    return {"id": node_id, "type": "webhook", "params": {"path": path, "auth": "none", **params}}
