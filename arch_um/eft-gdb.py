# SPDX-License-Identifier: MIT
"""gdb commands for the kernel: eft-ps, eft-bt PID, eft-dmesg, eft-mounts, eft-trace [CPU].

Load it into a gdb on the kernel's process (./eft debug does).  The commands
only read memory, so they work on a running process that was stopped anywhere,
and on a core file.  User frames come from the page tables of the program, not
from its stub process, so no second debugger is needed.  They work on a native
kernel in QEMU, too (./eft boot CPU --gdb).
"""
import re

import gdb

PAGE = 4096


def setup():
    """What makes gdb usable on this process: its interrupts are signals."""
    gdb.execute("handle SIGUSR1 nostop noprint pass", to_string=True)
    gdb.execute("set print pretty on")
    gdb.execute("set pagination off")


def value(expr):
    return gdb.parse_and_eval(expr)


def each(head, type_name, member):
    """The elements of a struct list_head list."""
    t = gdb.lookup_type(type_name)
    offset = next(f.bitpos // 8 for f in t.fields() if f.name == member)
    node = head["next"]
    seen = 0
    while node != head.address and seen < 1000000:
        yield (node.cast(gdb.lookup_type("char").pointer()) - offset).cast(t.pointer()).dereference()
        node = node["next"]
        seen += 1


STATES = {0: "R", 1: "S", 2: "D", 4: "D", 8: "T", 16: "t", 32: "Z", 64: "X"}


def tasks():
    for p in each(value("process_list"), "struct process", "all_link"):
        for t in each(p["threads"], "struct task", "thread_link"):
            yield p, t


def pid_of(p):
    pid = p["pid"][int(value("PID_PROCESS"))]
    return int(pid["nr"]) if pid else 0


def tid_of(t):
    return int(t["pid"]["nr"]) if t["pid"] else 0


def hosted():
    return gdb.lookup_global_symbol("um_ram") is not None


def aarch64():
    return "aarch64" in gdb.selected_frame().architecture().name()


def direct(phys):
    """Where the kernel has a physical address mapped."""
    if hosted():
        return int(value("um_ram")) + phys
    return (0xffff000000000000 if aarch64() else 0xffff800000000000) + phys		# DIRECT_BASE of layout.h


def running():
    """{address of the task: CPU} of what is on a CPU now."""
    on = {}
    for i in range(int(value("cpu_count"))):
        on[int(value("um_cpus[%d].curr" % i if hosted() else "cpus[%d]->curr" % i))] = i
    return on


# ---- memory of a program, through the kernel's own tables ----

def table_slot(vm, addr):
    table = vm["pages"]["root"]
    ptr = gdb.lookup_type("unsigned long").pointer()
    shift = 39
    while True:
        entry = int((table.cast(ptr) + ((addr >> shift) & 511)).dereference())
        if shift == 12 or entry == 0:
            return entry
        table = gdb.Value(entry)
        shift -= 9


def page_phys(page):
    zones = value("page_zones")
    z = zones[int(page["zone"])]
    index = (int(page.address) - int(z["pages"])) // page.type.sizeof
    return int(z["base"]) + index * PAGE


def user_read(vm, addr, n):
    entry = table_slot(vm, addr)
    if not entry or entry & 4:
        return None
    page = gdb.Value(entry & ~63).cast(gdb.lookup_type("struct page").pointer()).dereference()
    host = direct(page_phys(page)) + addr % PAGE
    return bytes(gdb.selected_inferior().read_memory(host, min(n, PAGE - addr % PAGE)))


def user_word(vm, addr):
    data = user_read(vm, addr, 8)
    return int.from_bytes(data, "little") if data and len(data) == 8 else None


def areas(vm):
    """All areas, in order: a walk of the tree."""
    area = gdb.lookup_type("struct vm_area").pointer()
    stack, node = [], vm["areas"]["node"]
    while stack or node:
        while node:
            stack.append(node)
            node = node["left"]
        node = stack.pop()
        yield node.cast(area).dereference()
        node = node["right"]


def dentry_name(d):
    q = d["name"]
    return q["name"].string(errors="replace", length=int(q["len"]))


def file_name(f):
    return dentry_name(f["path"]["dentry"])


def where(vm, pc):
    try:
        for a in areas(vm):
            if int(a["start"]) <= pc < int(a["end"]):
                if a["file"]:
                    offset = pc - int(a["start"]) + int(a["pgoff"]) * PAGE
                    return "%s+%#x" % (file_name(a["file"]), offset)
                return "[anonymous]"
    except (gdb.error, gdb.MemoryError, RuntimeError):
        return "?"
    return "[not mapped]"


# ---- frames ----

def symbol(pc):
    text = gdb.execute("info symbol %#x" % pc, to_string=True).strip()
    line = gdb.find_pc_line(pc)
    name = text.split(" in section")[0] if not text.startswith("No symbol") else "?"
    name = re.sub(r"\.(lto_priv|constprop|isra|part|cold)(\.\d+)*", "", name)	# the compiler's additions
    if line.symtab:
        name += " (%s:%d)" % (line.symtab.filename.split("/kernel/")[-1], line.line)
    return name


def kernel_frames(pc, fp):
    ptr = gdb.lookup_type("unsigned long").pointer()
    n = 0
    while pc and n < 64:
        yield pc
        try:
            frame = gdb.Value(fp).cast(ptr)
            up, pc = int(frame[0]), int(frame[1])
        except gdb.MemoryError:
            return
        if up <= fp:
            if pc:
                yield pc
            return
        fp, n = up, n + 1


class EftPs(gdb.Command):
    """Processes and threads: PID TID STATE CPU NAME and what the kernel waits in."""

    def __init__(self):
        super().__init__("eft-ps", gdb.COMMAND_STATUS)

    def invoke(self, arg, from_tty):
        on = running()
        print("%6s %6s %5s %3s %-16s %s" % ("PID", "TID", "STATE", "CPU", "NAME", "IN"))
        for p, t in tasks():
            state = STATES.get(int(t["state"]), "?")
            cpu = on.get(int(t.address))
            place = ""
            if cpu is None and state not in "ZX":
                place = next((symbol(pc) for pc in kernel_frames(*saved(t))
                              if not symbol(pc).startswith(("schedule", "hal_", "um_", "wait", "prepare"))), "")
            print("%6d %6d %5s %3s %-16s %s" % (pid_of(p), tid_of(t), state, "" if cpu is None else cpu,
                                              t["comm"].string(errors="replace"), place))


def saved(t):
    """pc and frame pointer of a thread that is not running: what the port's switch saved."""
    ptr = gdb.lookup_type("unsigned long").pointer()
    if aarch64():
        regs = t["kctx"].cast(ptr)	# x19-x30
        return int(regs[11]), int(regs[10])
    sp = t["kctx"]["sp"].cast(ptr)
    return int(sp[6]), int(sp[5])


class EftBt(gdb.Command):
    """eft-bt TID: kernel frames and user frames of a thread."""

    def __init__(self):
        super().__init__("eft-bt", gdb.COMMAND_STACK)

    def invoke(self, arg, from_tty):
        try:
            wanted = int(arg)
        except ValueError:
            raise gdb.GdbError("usage: eft-bt TID")
        for _, t in tasks():
            if tid_of(t) == wanted:
                return self.show(t)
        raise gdb.GdbError("no thread %d (see eft-ps)" % wanted)

    def show(self, t):
        cpu = running().get(int(t.address))
        print("%d \"%s\"" % (tid_of(t), t["comm"].string(errors="replace")))
        if int(t["state"]) & 96:
            print("  exited")
            return
        if cpu is not None:
            print("  kernel: on CPU %d: see the host thread that runs it (thread apply all bt)" % cpu)
        else:
            for i, pc in enumerate(kernel_frames(*saved(t))):
                print("  #%-2d %#x %s" % (i, pc, symbol(pc)))
        if t["uctx"]:
            self.user(t)

    def user(self, t):
        regs, vm = t["uctx"]["regs"], t["vm"].dereference()
        if aarch64():
            pc, fp, sp, result = int(regs["pc"]), int(regs["x"][29]), int(regs["sp"]), int(regs["x"][0])
        else:
            pc, fp, sp, result = int(regs["rip"]), int(regs["rbp"]), int(regs["rsp"]), int(regs["rax"])
        print("  user: pc %#x sp %#x result %#x" % (pc, sp, result))
        for i in range(32):
            print("  u%-2d %#x %s" % (i, pc, where(vm, pc)))
            up, pc = user_word(vm, fp), user_word(vm, fp + 8)
            if not up or not pc or up <= fp:
                break
            fp = up


class EftDmesg(gdb.Command):
    """The kernel's log, also what never reached a console."""

    def __init__(self):
        super().__init__("eft-dmesg", gdb.COMMAND_DATA)

    def invoke(self, arg, from_tty):
        ring = value("&'klog.c'::ring")
        size = int(ring.dereference().type.range()[1]) + 1
        data = bytes(gdb.selected_inferior().read_memory(int(ring), size))
        at, end = int(value("'klog.c'::oldest")["at"]), int(value("'klog.c'::newest")["at"])
        record = gdb.lookup_type("struct klog_record")
        place = {f.name: (f.bitpos // 8, f.type.sizeof) for f in record.fields()}

        def get(offset, n):
            return bytes(data[(offset + i) % size] for i in range(n))

        def field(offset, name):
            return int.from_bytes(get(offset + place[name][0], place[name][1]), "little")
        while at < end:
            ns, length = field(at, "time_ns"), field(at, "len")
            text = get(at + record.sizeof, length).decode(errors="replace")
            print("[%5d.%06d] %s" % (ns // 10**9, ns // 1000 % 10**6, text))
            at += record.sizeof + length


class EftMounts(gdb.Command):
    """Mounted file systems: source, mount point, type."""

    def __init__(self):
        super().__init__("eft-mounts", gdb.COMMAND_DATA)

    def path(self, m):
        names = []
        d = m["mountpoint"] if m["mountpoint"] else m["root"]
        parent = m["parent"]
        if not parent or int(parent) == int(m.address):
            return "/"
        for _ in range(64):
            if int(d) == int(d["parent"]) or int(d) == int(parent["root"]):
                if int(parent["parent"]) in (0, int(parent)):
                    break
                d, parent = parent["mountpoint"], parent["parent"]
                continue
            names.append(dentry_name(d))
            d = d["parent"]
        return "/" + "/".join(reversed(names))

    def invoke(self, arg, from_tty):
        for m in each(value("init_mount_ns")["mounts"], "struct mount", "ns_link"):
            source = m["source"].string(errors="replace") if m["source"] else "none"
            print("%-12s %-24s %s" % (source, self.path(m), m["super"]["fs"]["name"].string()))


class EftTrace(gdb.Command):
    """eft-trace [CPU]: the last events of a CPU, or of all, oldest first: switches, traps, interrupts."""

    def __init__(self):
        super().__init__("eft-trace", gdb.COMMAND_DATA)

    def text(self, e):
        kinds = {int(value(n)): n[6:].lower() for n in ("TRACE_SWITCH", "TRACE_SYSCALL", "TRACE_FAULT", "TRACE_TRAP", "TRACE_KICK",
                                                        "TRACE_IRQ", "TRACE_TIMER", "TRACE_IPI")}
        kind, tid, a, b = kinds.get(int(e["kind"]), "?"), int(e["tid"]), int(e["a"]), int(e["b"])
        if kind == "switch":
            name = b.to_bytes(8, "little").split(b"\0")[0].decode(errors="replace")
            return "%-8s to %d \"%s\", the other %s" % (kind, tid, name, "runs" if a == 0 else "is gone" if a == 64 else "sleeps")
        if kind == "syscall":
            return "%-8s %d: number %d, first argument %#x" % (kind, tid, a, b)
        if kind == "fault":
            return "%-8s %d: %#x, %s" % (kind, tid, a, "write" if b & 2 else "execute" if b & 4 else "read")
        if kind == "trap":
            return "%-8s %d: at %#x, signal %d" % (kind, tid, a, b)
        if kind == "kick":
            return "%-8s %d: at %#x" % (kind, tid, a)
        return "%-8s %d" % (kind, a) if kind == "irq" else kind

    def invoke(self, arg, from_tty):
        for i in range(int(value("cpu_count"))):
            if arg and int(arg) != i:
                continue
            ring = value("cpus[%d]->trace" % i)
            last, size = int(ring["next"]), int(ring["event"].type.range()[1]) + 1
            print("cpu %d, %d events" % (i, last))
            for n in range(max(0, last - size), last):
                e = ring["event"][n % size]
                ns = int(e["ns"])
                print("%14s  %s" % ("%d.%06d" % (ns // 10**9, ns // 1000 % 10**6) if ns else "", self.text(e)))


for command in (EftPs, EftBt, EftDmesg, EftMounts, EftTrace):
    command()
setup()
