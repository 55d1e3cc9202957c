"""
A shop's settings as its owner writes them, over HTTP.
"""

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday")
PLAIN = {"name": "Demo Shop", "support_addresses": ["support@demo.test"]}
OFFICE = {"time_zone": "Europe/Madrid", "hours": {day: ["09:00-14:00", "16:00-19:00"] for day in WEEKDAYS}}
TARGETS = {"first_response": "30 min", "next_response": "1 h", "resolution": "4 h"}


def put(api, where="demo", status=200, whole=None, headers=None, **more):
    document = whole if whole is not None else PLAIN | more
    got = api.ask("PUT", f"/v1/storefronts/{where}", document, by="admin", **headers or {})
    assert got.status_code == status, got.body
    return got
