"""`secretary backup` and `secretary restore` as they are typed."""

import json
from pathlib import Path

from backup_state import PASSPHRASE
from front_door import secretary, serving


def test_a_backup_made_while_it_serves_is_put_back_once_it_is_stopped(tmp_path: Path) -> None:
    (tmp_path / "pass").write_text(PASSPHRASE + "\n")
    opening = ("--passphrase-file", "pass")
    with serving(tmp_path):
        made = secretary("backup", *opening, "--out", "elsewhere", "--json", cwd=tmp_path)
        assert made.returncode == 0, made.stderr
        path = json.loads(made.stdout)["path"]
        refused = secretary("restore", path, *opening, "--yes", cwd=tmp_path)
        assert refused.returncode == 1
        assert "running" in refused.stderr
        assert "Traceback" not in refused.stderr
    later = tmp_path / "data" / "later"
    later.touch()
    unconfirmed = secretary("restore", path, *opening, cwd=tmp_path, typed="n\n")
    assert unconfirmed.returncode == 1
    assert later.exists()
    done = secretary("restore", path, *opening, "--yes", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert not later.exists()
    assert len(list((tmp_path / "data").glob("before-*/later"))) == 1
    assert not (tmp_path / "data" / "restoring").exists()
