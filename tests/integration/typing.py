#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Types to the guest's console: typing.py PREFIX COMMAND... ; prints "ok PREFIX/what"."""
import fcntl, os, re, select, signal, struct, sys, termios, time

prefix, command = sys.argv[1], sys.argv[2:]
PROMPT = b"# "
WAIT = float(os.environ.get("EFT_TERMINAL_WAIT", "15"))
failed = 0


def result(good, what, seen=b""):
    global failed
    if good:
        print(f"ok {prefix}/{what}")
    else:
        failed += 1
        print(f"# the screen ends in {seen[-400:]!r}")
        print(f"not ok {prefix}/{what}")
    sys.stdout.flush()
    return good


class Machine:
    def __init__(self, extra=(), rows=24, cols=80):
        self.master, self.slave = os.openpty()
        self.resize(rows, cols)
        self.before = termios.tcgetattr(self.slave)
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self.master)
            os.setsid()
            fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)
            for fd in (0, 1, 2):
                os.dup2(self.slave, fd)
            os.execv(command[0], command + list(extra))
        self.seen = b""

    def resize(self, rows, cols):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))

    def send(self, text):
        os.write(self.master, text if isinstance(text, bytes) else text.encode())

    def read(self, seconds):
        if select.select([self.master], [], [], seconds)[0]:
            try:
                data = os.read(self.master, 65536)
            except OSError:
                return False
            # ash asks where the cursor is; it can do without an answer.
            self.seen += data.replace(b"\x1b[6n", b"")
            return bool(data)
        return None

    def expect(self, pattern, seconds=WAIT):
        """Reads until the pattern is on the screen; what came up to its end, or None."""
        end = time.time() + seconds
        while True:
            m = re.search(pattern, self.seen, re.S)
            if m:
                got, self.seen = self.seen[: m.end()], self.seen[m.end():]
                return got
            if time.time() > end or self.read(0.2) is False:
                return None

    def run(self, line, what, pattern=None, then=PROMPT):
        """Types a line; the pattern (default: anything) has to come before the next prompt."""
        self.send(line + "\r")
        got = self.expect(re.escape(line.encode()[-20:]) + rb"\r\n")
        if pattern is not None:
            got = self.expect(pattern)
            if not result(got is not None, what, self.seen):
                return None
        if then:
            rest = self.expect(then)
            if rest is None:
                result(False, what + " (no prompt)", self.seen)
        elif pattern is None:
            result(got is not None, what, self.seen)
        return got

    def quiet(self, seconds=0.3):
        while self.read(seconds):
            pass

    def status(self, seconds=WAIT):
        end = time.time() + seconds
        while time.time() < end:
            self.read(0.05)
            pid, st = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return st
        return None

    def end(self):
        try:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass
        os.close(self.master)
        os.close(self.slave)


def shell(m):
    if not result(m.expect(PROMPT, 60) is not None, "a prompt", m.seen):
        return False
    m.run("echo one$((1+1))three", "arithmetic", rb"one2three\r\n")
    m.run("stty size", "the window's size", rb"24 80\r\n")
    m.run("tty", "a terminal", rb"/dev/\w+\r\n")
    m.run("echo a b c | tr a-z A-Z | sed s/B/-/", "a pipeline", rb"A - C\r\n")
    m.run("echo saved >/tmp/f; cat </tmp/f", "redirection", rb"saved\r\n")
    m.send("cat <<END\r")
    m.expect(rb"> ")
    m.send("here $((6*7))\r")
    m.expect(rb"> ")
    m.run("END", "a here-document", rb"here 42\r\n")
    return True


def editing(m):
    m.send("ecXX\x7f\x7fho eraser")
    m.run("", "backspace", rb"eraser\r\n")
    m.send("eho left\x1b[D\x1b[D\x1b[D\x1b[D\x1b[D\x1b[D\x1b[Dc")
    m.run("", "arrow left and inserting", rb"left\r\n")
    m.send("something wrong\x15echo killed")
    m.run("", "^U", rb"killed\r\n")
    m.send("echo two words\x17things")
    m.run("", "^W", rb"two things\r\n")
    m.send("\x1b[A")
    m.run("", "history", rb"two things\r\n")
    m.run("mkdir -p /tmp/dir; touch /tmp/dir/unmistakable", "mkdir")
    m.send("ls /tmp/dir/unm\t")
    m.run("", "completion", rb"/tmp/dir/unmistakable\r\n")
    m.send("not to be run\x03")
    result(m.expect(PROMPT) is not None, "^C drops the line", m.seen)


def jobs(m):
    m.send("sleep 1000\r")
    m.expect(rb"sleep 1000\r\n")
    time.sleep(0.2)
    m.send("\x03")
    result(m.expect(rb"\^C.*?" + PROMPT) is not None, "^C ends a program", m.seen)
    m.run("echo $?", "whose status is 130", rb"130\r\n")
    m.send("sleep 1000\r")
    m.expect(rb"sleep 1000\r\n")
    time.sleep(0.2)
    m.send("\x1a")
    result(m.expect(rb"Stopped.*?" + PROMPT) is not None, "^Z stops it", m.seen)
    m.run("jobs", "jobs", rb"Stopped +sleep 1000")
    m.run("bg", "bg", rb"sleep 1000")
    m.run("jobs", "it runs", rb"Running +sleep 1000")
    m.send("fg\r")
    m.expect(rb"sleep 1000\r\n")
    time.sleep(0.2)
    m.send("\x03")
    result(m.expect(rb"\^C.*?" + PROMPT) is not None, "fg, then ^C", m.seen)
    m.send("cat | cat\r")
    m.expect(rb"cat \| cat\r\n")
    time.sleep(0.2)
    m.send("\x1c")
    result(m.expect(rb"\^\\.*?" + PROMPT) is not None, "^\\ ends a whole pipeline", m.seen)
    m.run("cat & sleep 0.3; jobs", "a background reader is stopped", rb"Stopped \(tty input\)")
    m.run("kill -9 %1; wait; echo gone", "and can be killed", rb"gone\r\n")
    m.send("cat\r")
    m.expect(rb"cat\r\n")
    time.sleep(0.3)     # what is typed before the shell has set the terminal back is not edited
    m.send("ab\x7fc\r")
    result(m.expect(rb"ab\x08 \x08c\r\nac\r\n") is not None, "canonical editing", m.seen)
    m.send("\x04")
    result(m.expect(PROMPT) is not None, "^D ends the input", m.seen)
    m.send("cat /dev/zero >/dev/null\r")
    m.expect(rb"null\r\n")
    time.sleep(0.3)
    m.send("\x03")
    result(m.expect(rb"\^C.*?" + PROMPT) is not None, "^C ends a busy program", m.seen)
    m.send("while :; do :; done\r")
    m.expect(rb"done\r\n")
    time.sleep(0.3)
    m.send("\x03")
    result(m.expect(PROMPT) is not None, "^C ends a busy shell loop", m.seen)


def full_screen(m):
    m.send("vi /tmp/text\r")
    m.expect(rb"/tmp/text")
    m.send("ifirst line\rsecond\x1b")
    m.quiet()           # an escape is one only if nothing follows it at once
    m.send(":wq\r")
    m.expect(PROMPT)
    m.run("cat /tmp/text", "vi", rb"first line\r\nsecond\r\n")
    m.send("top\r")
    result(m.expect(rb"Load average.*?COMMAND.*?sh") is not None, "top", m.seen)
    m.send("q")
    result(m.expect(PROMPT) is not None, "top quits", m.seen)
    m.send("seq 1 100 | less\r")
    result(m.expect(rb"22\r\n.*?") is not None, "less shows a page", m.seen)
    m.send("G")
    result(m.expect(rb"100") is not None, "and the last", m.seen)
    m.send("q")
    m.expect(PROMPT)
    m.run("stty -a", "the terminal is sane afterwards", rb"icanon .*echo ")
    m.run("trap 'echo resized' WINCH; echo set", "a trap", rb"set\r\n")
    m.resize(40, 132)
    time.sleep(0.3)
    m.run("stty size", "a new window size arrives", rb"40 132\r\n")
    m.run("ls /dev/pts; test -c /dev/ptmx && echo ptmx", "/dev/ptmx", rb"ptmx\r\n")


def end_of_session(m):
    m.send("exit 7\r")
    st = m.status()
    result(st is not None and os.WIFEXITED(st) and os.WEXITSTATUS(st) == 7, f"exit 7 (status {st})", m.seen)
    result(termios.tcgetattr(m.slave) == m.before, "the host's terminal is as it was")


m = Machine()
if shell(m):
    editing(m)
    jobs(m)
    full_screen(m)
    end_of_session(m)
m.end()
sys.exit(1 if failed else 0)
