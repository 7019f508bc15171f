# What the official harnesses take away before a program runs (human-eval execution.py and
# LiveCodeBench testing_util.py, reliability_guard). No protection: the sandbox is that. It is
# here because recorded verdicts depend on it: subprocess fails, quit() fails.


def guard(without_exit):
    import builtins
    import faulthandler
    import os
    import shutil
    import subprocess
    import sys

    faulthandler.disable()
    builtins.quit = None
    builtins.exit = None if without_exit else sys.exit
    builtins.help = None
    os.environ["OMP_NUM_THREADS"] = "1"
    names = (
        "kill system putenv remove removedirs rmdir fchdir setuid fork forkpty killpg rename"
        " renames truncate replace unlink fchmod fchown chmod chown chroot lchflags lchmod lchown"
        " getcwd chdir"
    )
    for name in names.split():
        setattr(os, name, None)
    for name in ("rmtree", "move", "chown"):
        setattr(shutil, name, None)
    subprocess.Popen = None
    for name in ("ipdb", "joblib", "resource", "psutil", "tkinter"):
        sys.modules[name] = None


def hush():
    """File descriptor 1 goes nowhere: what a program prints is not part of any protocol here."""
    import os

    try:
        os.dup2(os.open("/dev/null", os.O_WRONLY), 1)
    except OSError:
        pass
