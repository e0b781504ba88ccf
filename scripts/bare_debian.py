"""A bare Debian 12 in a folder, for the scripts that try something in it.

    with BareDebian("build/chroot", work) as system:
        done = system.run("apt-get", "install", "-y", "nginx")     done.code, done.out

debootstrap makes it once, with the network; the archive CACHE/bare-ARCH.tar and the packages fetched later, in
CACHE/archives-ARCH, are used again, without. It shares the machine's processes and network; /proc and /dev are mounted.
"""
import os
import platform
import re
import shutil
import signal
import subprocess

MIRROR = os.environ.get("DEBIAN_MIRROR", "http://deb.debian.org/debian")
SUITE = "bookworm"
ARCHIVES = "/var/cache/apt/archives"
COMMAND_S = 1800
MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}  # by Debian's names, those of the kernel
END_S = 60


class NotToBeHad(Exception):
    """Why there is no such system here."""


def native_arch():
    """By Debian's name."""
    return next((arch for arch, machine in MACHINES.items() if machine == platform.machine()), platform.machine())


class Done:
    def __init__(self, code, out):
        self.code, self.out = code, out

    def __str__(self):
        return f"exit code {self.code}\n" + "\n".join(self.out.splitlines()[-15:])


class Process:
    """What runs in the system in the background; its output goes to a file."""

    def __init__(self, words, env, log):
        self.log = log
        with open(log, "wb") as out:
            self.process = subprocess.Popen(words, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)

    def text(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read()

    def found(self, pattern):
        """The first group of the pattern in what it has written, or None."""
        found = re.search(pattern, self.text())
        return found.group(1) if found else None

    def end(self):
        """Its exit code after SIGTERM."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(END_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


def chroot_words(root, words, user, group):
    """The words in a root that may have no programs but its own, as somebody without rights."""
    return [shutil.which("setpriv"), "--no-new-privs", "--bounding-set=-all,+sys_chroot,+setuid,+setgid",
            shutil.which("chroot"), f"--userspec={user}:{group}", "--groups=", root, *words]


class BareDebian:
    def __init__(self, cache, work):
        self.cache, self.arch = os.path.abspath(cache), native_arch()
        self.root = os.path.join(work, "root")
        self.work = work
        self.mounted = []

    # ---- making it ----
    def __enter__(self):
        if os.geteuid() != 0:
            raise NotToBeHad("a bare Debian wants root")
        if not shutil.which("debootstrap"):
            raise NotToBeHad("debootstrap is not installed")
        archive = os.path.join(self.cache, f"bare-{self.arch}.tar")
        os.makedirs(self.kept(), exist_ok=True)
        try:
            if not os.path.exists(archive):
                self.bootstrap(archive)
            os.makedirs(self.root)
            subprocess.run(["tar", "-xpf", archive, "-C", self.root], check=True)
            self.move_packages(self.kept(), self.path(ARCHIVES), shutil.copy2)
            self.mount()
        except BaseException:
            self.unmount()
            raise
        return self

    def bootstrap(self, archive):
        log = os.path.join(self.work, "debootstrap.log")
        made = os.path.join(self.work, "made")
        with open(log, "wb") as out:
            code = subprocess.run(["debootstrap", "--variant=minbase", f"--arch={self.arch}", SUITE, made, MIRROR],
                                  stdout=out, stderr=subprocess.STDOUT).returncode
        if code == 0:
            code = subprocess.run(["chroot", made, "apt-get", "update", "-q"], stdout=subprocess.DEVNULL).returncode
        if code != 0:
            with open(log, encoding="utf-8", errors="replace") as file:
                raise NotToBeHad("debootstrap failed: " + " ".join(file.read().splitlines()[-1:]))
        subprocess.run(["tar", "-cpf", archive + ".part", "-C", made, "."], check=True)
        os.rename(archive + ".part", archive)
        shutil.rmtree(made)

    def mount(self):
        for words in (["-t", "proc", "proc", self.path("/proc")], ["--bind", "/dev", self.path("/dev")]):
            if subprocess.run(["mount", *words], stderr=subprocess.DEVNULL).returncode != 0:
                raise NotToBeHad("mounting is not allowed here")
            self.mounted.append(words[-1])
        if os.path.exists("/etc/resolv.conf"):
            shutil.copy("/etc/resolv.conf", self.path("/etc/resolv.conf"))
        # Packages that were fetched are not removed, so that they can be kept.
        with open(self.path("/etc/apt/apt.conf.d/99keep"), "w", encoding="utf-8") as out:
            out.write('APT::Keep-Downloaded-Packages "true";\nBinary::apt::APT::Keep-Downloaded-Packages "true";\n')

    def kept(self):
        return os.path.join(self.cache, f"archives-{self.arch}")

    @staticmethod
    def move_packages(source, target, how):
        """Those that the other folder does not have. Each system has its own, for apt locks them."""
        for name in os.listdir(source):
            if name.endswith(".deb") and not os.path.exists(os.path.join(target, name)):
                how(os.path.join(source, name), os.path.join(target, name))

    def unmount(self):
        for target in reversed(self.mounted):
            subprocess.run(["umount", "-l", target], check=False)
        self.mounted = []

    def __exit__(self, *_):
        self.unmount()
        self.move_packages(self.path(ARCHIVES), self.kept(), shutil.move)
        shutil.rmtree(self.root, ignore_errors=True)

    # ---- using it ----
    def path(self, inside):
        return self.root + inside

    def words(self, words, folder):
        return ["chroot", self.root, "/usr/bin/env", f"--chdir={folder}", *words]

    def env(self, more):
        return {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8",
                "DEBIAN_FRONTEND": "noninteractive", "HOME": "/root", **(more or {})}

    def run(self, *words, given="", env=None, folder="/"):
        done = subprocess.run(self.words(words, folder), input=given, text=True, errors="replace", env=self.env(env),
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=COMMAND_S)
        return Done(done.returncode, done.stdout)

    def start(self, *words, env=None, folder="/"):
        return Process(self.words(words, folder), self.env(env), os.path.join(self.work, "output"))
