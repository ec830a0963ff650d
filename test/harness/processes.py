"""What a backend holds, as the kernel sees it."""
import os


def descriptors(pid):
    """Open file descriptors."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def network_descriptors(pid):
    """Those that are no files: PostgreSQL keeps files open as it likes."""
    count = 0
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            count += not os.readlink(f"/proc/{pid}/fd/{fd}").startswith("/")
        except FileNotFoundError:
            pass
    return count


def sockets(pid):
    """Internet sockets (as inode names)."""
    found = set()
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            target = os.readlink(f"/proc/{pid}/fd/{fd}")
        except FileNotFoundError:
            continue
        if target.startswith("socket:"):
            found.add(target[8:-1])
    with open(f"/proc/{pid}/net/tcp", encoding="ascii") as file:
        return found & {line.split()[9] for line in file.readlines()[1:]}


def private_kb(pid):
    """Private memory in kB."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        for line in file:
            if line.startswith("RssAnon"):
                return int(line.split()[1])
    raise RuntimeError("no RssAnon")
