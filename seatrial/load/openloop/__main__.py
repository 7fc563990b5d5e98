"""``python -m seatrial.load.openloop``: see `seatrial.load.openloop.process`."""

from __future__ import annotations

import os

# All that waits here waits on gevent by name; nothing needs to be patched under libraries that were loaded before.
os.environ["LOCUST_SKIP_MONKEY_PATCH"] = "1"

if __name__ == "__main__":
    from seatrial.load.openloop.process import main

    raise SystemExit(main())
