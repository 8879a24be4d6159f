# SPDX-License-Identifier: MIT
"""What a user at a terminal sees: usage: terminal.py EFT-UM IMAGE."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time

UM, IMAGE = sys.argv[1:3]


def report(name, good, why=""):
    print("ok terminal/%s" % name if good else "not ok terminal/%s # %s" % (name, why), flush=True)


class Machine:
    """The kernel's process on a pseudo-terminal of 33 rows and 101 columns."""

    def __init__(self):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 101, 0, 0))
        self.before = termios.tcgetattr(slave)
        self.slave = slave		# stays open, so that its modes can be read afterwards
        self.pid = os.fork()
        if self.pid == 0:
            os.setsid()
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
            for fd in (0, 1, 2):
                os.dup2(slave, fd)
            os.execv(UM, [UM, "--console-log", "4", "--disk", IMAGE])
        self.seen = b""

    def read(self, until, limit=8.0):
        """All output up to the pattern; the shell's question where the cursor is gets its answer."""
        end, text = time.monotonic() + limit, b""
        while time.monotonic() < end:
            if select.select([self.master], [], [], 0.05)[0]:
                try:
                    data = os.read(self.master, 4096)
                except OSError:
                    break
                for _ in range(data.count(b"\x1b[6n")):
                    os.write(self.master, b"\x1b[1;1R")
                text += data
            if re.search(until, text):
                return text.decode(errors="replace")
        self.seen = text
        return None

    def send(self, text):
        os.write(self.master, text)

    def prompt(self):
        return self.read(rb"~ # (\x1b\[6n)?$")

    def wait(self, limit=5.0):
        end = time.monotonic() + limit
        while time.monotonic() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            if select.select([self.master], [], [], 0.02)[0]:
                os.read(self.master, 4096)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        return None

    def restored(self):
        return termios.tcgetattr(self.slave) == self.before


def session():
    m = Machine()
    if m.prompt() is None:
        return report("prompt", False, repr(m.seen[-200:]))
    report("prompt", True)
    report("raw-mode", not m.restored())

    def command(name, text, pattern, keys=()):
        m.send(text)
        for delay, more in keys:
            time.sleep(delay)
            m.send(more)
        out = m.read(pattern)
        report(name, out is not None, repr(m.seen[-200:]))
        m.prompt()

    command("window-size", b"stty size\r", rb"\n33 101")
    fcntl.ioctl(m.slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 90, 0, 0))
    os.kill(m.pid, signal.SIGWINCH)
    time.sleep(0.2)
    command("window-size-changes", b"stty size\r", rb"\n40 90")
    command("line-editing", b"echo abX\x7fc | tr a-c A-C\r", rb"\nABC")
    command("interrupt", b"sleep 100\r", rb"\^C", [(0.4, b"\x03")])
    command("interrupt-status", b"echo st=$?\r", rb"\nst=130")
    command("stop", b"sleep 100\r", rb"Stopped", [(0.4, b"\x1a")])
    command("background", b"bg\r", rb"sleep 100")
    m.send(b"fg\r")
    time.sleep(0.4)
    m.send(b"\x03")
    m.prompt()
    command("foreground", b"echo two=$?\r", rb"\ntwo=130")
    command("here-document", b"cat <<E\rhere $((6*7))\rE\r", rb"\nhere 42")
    m.send(b"vi /tmp/f\r")
    for delay, keys in ((0.5, b"ihello"), (0.3, b"\x1b"), (0.4, b":wq\r")):
        time.sleep(delay)
        m.send(keys)
    m.prompt()
    command("vi", b"cat /tmp/f\r", rb"\nhello")
    command("top", b"top\r", rb"Load average", [(1.0, b"q")])
    command("pipeline", b"echo one two three | (read a b; echo $b-$a)\r", rb"\ntwo three-one")
    m.send(b"exit 9\r")
    status = m.wait()
    report("exit-status", status == 9, status)
    report("restored-after-exit", m.restored())


def end_of_file():
    m = Machine()
    m.prompt()
    m.send(b"\x04")
    status = m.wait()
    report("control-d", status == 0, status)


def killed(name, wanted):
    m = Machine()
    m.prompt()
    raw = not m.restored()
    os.kill(m.pid, getattr(signal, name))
    status = m.wait()
    time.sleep(0.2)		# the helper that restores after SIGKILL is another process
    report("restored-after-" + name, raw and m.restored() and status == wanted, "status %s" % status)


session()
end_of_file()
for signame, code in (("SIGTERM", 143), ("SIGINT", 130), ("SIGHUP", 129), ("SIGQUIT", 131), ("SIGKILL", -9)):
    killed(signame, code)
