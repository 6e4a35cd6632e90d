"""What backup.sh and restore.sh do with files, in folders and through rclone; the server's part is the drill's."""

import os
import pathlib
import subprocess
import tempfile
import time
import unittest

SCRIPTS = pathlib.Path(__file__).resolve().parents[2] / "deploy/backup"
NEEDED = "000000010000000000000005"


def stamp(days):
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() - days * 86400))


class BackupTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        for name in ("first", "second", "spool", "documents", "metrics", "keys"):
            (self.folder / name).mkdir()
        self.environment = {
            "PATH": os.environ["PATH"],
            "BACKUP_TO": str(self.folder / "first"),
            "BACKUP_SECOND": str(self.folder / "second"),
            "BACKUP_SPOOL": str(self.folder / "spool"),
            "BACKUP_DOCUMENTS": str(self.folder / "documents"),
            "BACKUP_METRICS": str(self.folder / "metrics"),
            "BACKUP_KEYS": str(self.folder / "keys"),
            "BACKUP_RECIPIENT": self.key("identity"),
            "BACKUP_IDENTITY": str(self.folder / "identity"),
        }

    def key(self, name):
        subprocess.run(["age-keygen", "-o", self.folder / name], check=True, capture_output=True)
        return subprocess.run(["age-keygen", "-y", self.folder / name], check=True, capture_output=True, text=True).stdout.strip()

    def run_script(self, script, *arguments, fails=False, **environment):
        ran = subprocess.run(
            [SCRIPTS / f"{script}.sh", *arguments], env=self.environment | environment, capture_output=True, text=True
        )
        self.assertEqual(ran.returncode != 0, fails, ran.stdout + ran.stderr)
        return ran.stdout + ran.stderr

    def names(self, place="first"):
        return sorted(str(it.relative_to(self.folder / place)) for it in (self.folder / place).rglob("*") if it.is_file())

    def test_documents_come_back_from_two_places_and_only_with_the_key(self):
        (self.folder / "documents/licence.pdf").write_text("personal")
        self.run_script("backup", "documents")
        self.assertEqual(self.names("first"), self.names("second"))
        sealed = (self.folder / "first" / self.names()[0]).read_bytes()
        self.assertTrue(sealed.startswith(b"age-encryption.org/"))
        self.run_script("restore", "documents", self.folder / "back", BACKUP_TO=str(self.folder / "second"))
        self.assertEqual((self.folder / "back/licence.pdf").read_text(), "personal")
        self.key("other")
        self.run_script("restore", "documents", self.folder / "never", fails=True, BACKUP_IDENTITY=str(self.folder / "other"))
        self.assertIn('kind="documents"', (self.folder / "metrics/backup_documents.prom").read_text())

    def test_nothing_is_restored_over_something(self):
        self.run_script("backup", "documents")
        (self.folder / "back").mkdir()
        (self.folder / "back/here").touch()
        self.assertIn("not empty", self.run_script("restore", "documents", self.folder / "back", fails=True))

    def test_the_spool_is_emptied_only_of_what_was_shipped(self):
        (self.folder / "spool" / NEEDED).write_text("log")
        (self.folder / "spool" / (NEEDED + ".part")).write_text("half")
        unreachable = self.folder / "file"
        unreachable.touch()
        self.run_script("backup", "wal", fails=True, BACKUP_TO=str(unreachable))
        self.assertEqual(len(self.names("spool")), 2)
        self.run_script("backup", "wal")
        self.assertEqual((self.names("spool"), self.names()), ([NEEDED + ".part"], [f"wal/{NEEDED}.zst.age"]))

    def test_a_segment_is_spooled_whole_and_never_replaced_by_another(self):
        segment = self.folder / "segment"
        segment.write_text("log")
        self.run_script("spool", segment, NEEDED)
        self.run_script("spool", segment, NEEDED)
        segment.write_text("another")
        self.run_script("spool", segment, NEEDED, fails=True)
        self.assertEqual((self.folder / "spool" / NEEDED).read_text(), "log")

    def old_and_new(self, store):
        kept = [
            f"base/{stamp(20)}_{NEEDED}.tar.zst.age",
            f"wal/{NEEDED}.zst.age",
            "wal/000000020000000000000009.zst.age",
            "wal/00000002.history.zst.age",
            f"documents/{stamp(90)}.tar.zst.age",
        ]
        old = [
            f"base/{stamp(31)}_000000010000000000000002.tar.zst.age",
            "wal/000000010000000000000004.zst.age",
            f"dump/{stamp(40)}/aipoten_identity.dump.zst.age",
        ]
        for name in [*kept, *old, f"dump/{stamp(1)}/aipoten_identity.dump.zst.age"]:
            (store / name).parent.mkdir(parents=True, exist_ok=True)
            (store / name).touch()
        return sorted([*kept, f"dump/{stamp(1)}/aipoten_identity.dump.zst.age"])

    def test_thirty_days_are_kept_and_the_newest_of_each_kind_and_the_log_since_the_oldest_base(self):
        kept = self.old_and_new(self.folder / "first")
        self.old_and_new(self.folder / "second")
        self.run_script("backup", "prune")
        self.assertEqual(self.names(), kept)
        self.assertEqual(self.names("second"), kept)

    def test_a_remote_of_rclone_is_as_good_as_a_folder(self):
        remote = {"BACKUP_TO": f":local:{self.folder}/first", "BACKUP_SECOND": "", "RCLONE_CONFIG": "/dev/null"}
        self.run_script("backup", "list", **remote)
        kept = self.old_and_new(self.folder / "first")
        self.run_script("backup", "prune", **remote)
        self.assertEqual(self.names(), kept)
        (self.folder / "documents/licence.pdf").write_text("personal")
        self.run_script("backup", "documents", **remote)
        self.run_script("restore", "documents", self.folder / "back", **remote)
        self.assertEqual((self.folder / "back/licence.pdf").read_text(), "personal")

    def test_a_point_in_time_takes_the_backup_before_it(self):
        for days, text in ((3, "old"), (1, "new")):
            (self.folder / "documents/note").write_text(text)
            self.run_script("backup", "documents")
            name = max(it for it in self.names() if it.startswith("documents"))
            (self.folder / "first" / name).rename(self.folder / f"first/documents/{stamp(days)}.tar.zst.age")
        self.run_script("restore", "documents", self.folder / "back", RESTORE_AT="2 days ago")
        self.assertEqual((self.folder / "back/note").read_text(), "old")
        self.assertIn("no documents", self.run_script("restore", "documents", self.folder / "x", fails=True, RESTORE_AT="9 days ago"))

    def test_encryption_keys_lie_apart_and_are_opened_by_another(self):
        (self.folder / "keys/identity-encryption-keys").write_text("k1:secret")
        apart = {"BACKUP_ESCROW_TO": str(self.folder / "escrow"), "BACKUP_ESCROW_RECIPIENT": self.key("escrow-identity")}
        with_backups = apart | {"BACKUP_ESCROW_TO": str(self.folder / "first/keys")}
        self.assertIn("must not lie", self.run_script("backup", "keys", fails=True, **with_backups))
        same_hand = apart | {"BACKUP_ESCROW_RECIPIENT": self.environment["BACKUP_RECIPIENT"]}
        self.assertIn("must not be opened", self.run_script("backup", "keys", fails=True, **same_hand))
        self.run_script("backup", "keys", **apart)
        name = self.names("escrow")[0]
        self.run_script("restore", "keys", name, self.folder / "no", fails=True, **apart)
        opened = apart | {"BACKUP_IDENTITY": str(self.folder / "escrow-identity")}
        self.run_script("restore", "keys", name, self.folder / "back", **opened)
        self.assertEqual((self.folder / "back/identity-encryption-keys").read_text(), "k1:secret")


if __name__ == "__main__":
    unittest.main()
