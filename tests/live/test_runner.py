"""What the commands of a live network have in common."""

import errno

from mlchain.live import runner


def test_a_full_disk_under_the_log_ends_nobody(monkeypatch):
    def echo(_line):
        raise OSError(errno.ENOSPC, "no space left on device")

    monkeypatch.setattr(runner.click, "echo", echo)

    runner.say("a line that is lost")
