# SPDX-License-Identifier: GPL-2.0
#
# What the scripts that measure have in common.
#
#	sys.dont_write_bytecode = True		so that nothing is left beside it
#	import lab

import argparse
import datetime
import json
import os
import platform
import shutil
import subprocess
import sys

SCRIPTS = os.path.dirname(os.path.realpath(__file__))
TOP = os.path.dirname(SCRIPTS)
OUT = os.path.join(TOP, "out")
# The recording that is one of them all.
SHIPPED = os.path.join(SCRIPTS, "traces", "busybox.pott.gz")
# Which of them this is, and its target of make: scripts/report/run is "report".
SCRIPT = os.path.relpath(os.path.realpath(sys.argv[0]), TOP)
if not SCRIPT.startswith("scripts" + os.sep):
    raise ImportError("this is for what lies in scripts/: it knows its name from there")
NAME = SCRIPT.split(os.sep)[1]
WORK = os.path.join(TOP, "build", NAME)


def say(text):
    print(f"{NAME}: {text}", file=sys.stderr)


def fail(text):
    sys.exit(f"{NAME}: {text}")


def run(*command, **options):
    """Runs a command. If it fails it has said on stderr why, and all ends here."""
    done = subprocess.run(command, text=True, check=False, **options)
    if done.returncode:
        said = f":\n{done.stdout}" if done.stdout else ""
        fail(f"{' '.join(command)} ended with status {done.returncode}{said}")
    return done


def output(*command):
    """The same; what it prints is returned, not shown."""
    return run(*command, stdout=subprocess.PIPE).stdout.strip()


def lines(texts):
    """One text of many, a line each."""
    return "".join(text + "\n" for text in texts)


def fresh(name):
    """An empty directory of the script's own."""
    path = os.path.join(WORK, name)
    shutil.rmtree(path, ignore_errors=True)
    os.makedirs(path)
    return path


def share(kernel, **texts):
    """A directory for a guest: the module, potadctl, and texts by their files' names."""
    path = fresh(kernel)
    module = output(os.path.join(SCRIPTS, "kernels", "module"), kernel)
    shutil.copy(os.path.join(module, "potad.ko"), path)
    shutil.copy(os.path.join(SCRIPTS, "potadctl"), path)
    for name, text in texts.items():
        with open(os.path.join(path, name), "w", encoding="ascii") as file:
            file.write(text)
    return path


def guest(files, out, *options):
    """The command that runs the script "guest" of share() in one; its arguments follow."""
    kernel = os.path.basename(files)
    return (os.path.join(SCRIPTS, "guest"), "--kernel", kernel, *options, "--share", files,
            "--out", out, "--", "sh", f"{kernel}/guest")


def check(kernel, said):
    """Has "potadctl validate" found nothing? Ends here if it has."""
    # The last line: before that there may be messages of the kernel's.
    if not said.rpartition("\n")[2].startswith("ok "):
        fail(f"{kernel}: the module's check says: {said}")


def release(out):
    """The guest's kernel, where it left "uname -r" as release."""
    with open(os.path.join(out, "release"), encoding="ascii") as file:
        return f"Linux {file.read().strip()}"


def machine():
    """The processor, by its own name: a guest does not know it."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()


def stamp():
    """Where, when, and by what it is had again."""
    words = sys.argv[1:]
    return {"machine": machine(), "date": str(datetime.date.today()),
            "command": " ".join([SCRIPT, *words]) if words else f"make {NAME}"}


def save(found):
    """Writes it to out/NAME.json."""
    os.makedirs(OUT, exist_ok=True)
    with open(os.path.join(OUT, NAME + ".json"), "w", encoding="ascii") as file:
        json.dump(found, file, indent=1)
        file.write("\n")


def number(text):
    """A type for argparse: who measures does it at least once."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("1 or more")
    return value
