"""usage: app.py URL [seconds] [basic]: burns CPU under the Python SDK, which uploads every 2 seconds."""

import sys
import time

import pyroscope

url, seconds = sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 6
credentials = {
    "basic_auth_username": "u",
    "basic_auth_password": "p",
    "tenant_id": "t1",
    "http_headers": {"X-Extra": "1"},
}
pyroscope.configure(
    application_name="py.app",
    server_address=url,
    upload_interval=2,
    tags={"region": "eu-west-1", "zone": "a"},
    **(credentials if "basic" in sys.argv else {}),
)
end = time.time() + seconds
with pyroscope.tag_wrapper({"endpoint": "/home"}):
    n = 0
    while time.time() < end:
        n += sum(i * i for i in range(1000))
pyroscope.shutdown()
