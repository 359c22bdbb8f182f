"""What Locust runs. `harness load PROFILE` and `harness verify` start it with an order: profile, journey, target.

On several machines, with the same order file and the same log-in in the environment of each:

    locust -f load/locustfile.py --headless --master --expect-workers 4      (once)
    locust -f load/locustfile.py --worker --master-host ADDRESS              (four times)
"""

from harness.engines.locust.session import arrivals_user

Arrivals = arrivals_user()
