"""What is committed names no host of a package index: packages come from where a machine is set up."""

import subprocess

from tests.support.documents import ROOT

#: In parts, so that this file does not name them.
HOSTS = ("py" + "pi.org", "python" + "hosted.org", "registry.np" + "mjs.org", "deb." + "debian.org")


def test_no_file_names_the_host_of_a_package_index() -> None:
    """No committed file but the lock does, which uv writes."""
    pattern = "|".join(host.replace(".", r"\.") for host in HOSTS)
    grep = ["git", "grep", "-lE", pattern, "--", ".", ":!uv.lock"]
    done = subprocess.run(grep, cwd=ROOT, capture_output=True, text=True, check=False, timeout=30)
    assert (done.returncode, done.stdout) == (1, "")
