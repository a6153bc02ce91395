//! A Postgres of a test's own, which the test may kill and bring back.
//!
//! It shares the programs, the settings and the superuser's password of the one that `scripts/postgres.sh` started,
//! and lies in that one's folder: the script stops it and removes it, should the test be killed.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use super::database::postgres_url;

/// A running server with an empty database `postgres`, whose superuser the tests are. Stopped and removed on drop.
pub(crate) struct OwnPostgres {
    folder: PathBuf,
    data: PathBuf,
    port: u16,
}

impl OwnPostgres {
    /// Starts a server on a free port; `None` where tests are to do without Postgres.
    pub(crate) fn start() -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        postgres_url()?;
        let folder = PathBuf::from(env::var_os("WHYTRACE_TEST_POSTGRES_DIR").expect(
            "a database to test with, but no WHYTRACE_TEST_POSTGRES_DIR for a server of one's own: run scripts/test.sh",
        ));
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let data = folder.join(format!("own-{}-{count}", std::process::id()));
        let mut server = Self { folder, data, port: 0 };
        server.create_data();
        server.start_on_a_free_port();
        Some(server)
    }

    /// The address of its database, the same before an outage and after.
    pub(crate) fn url(&self) -> String {
        let password = fs::read_to_string(self.folder.join("password")).expect("the superuser's password");
        format!("postgres://postgres:{}@127.0.0.1:{}/postgres", password.trim(), self.port)
    }

    /// Ends the server at once, as a crash does: connections break, and the next start recovers from its log.
    pub(crate) fn crash(&self) {
        let output = self.stop();
        assert!(output.status.success(), "the server could not be stopped: {output:?}");
    }

    /// Starts the server again after [`crash`](Self::crash), on the port that it had.
    pub(crate) fn restart(&self) {
        let output = self.start_on(self.port);
        assert!(output.status.success(), "the server did not come back: {}", self.log());
    }

    fn create_data(&self) {
        let password_file = self.folder.join("password");
        let mut initdb = self.program("initdb");
        initdb.args([
            "--username=postgres",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
        ]);
        initdb.arg("--pgdata").arg(&self.data).arg("--pwfile").arg(password_file);
        let output = initdb.output().expect("initdb runs");
        assert!(output.status.success(), "initdb failed: {output:?}");
        let configuration = self.data.join("postgresql.conf");
        let mut configuration =
            fs::OpenOptions::new().append(true).open(configuration).expect("its configuration");
        writeln!(configuration, "include '{}/settings.conf'", self.folder.display()).expect("a line added");
    }

    /// A port below those that systems give to outgoing connections: nobody gets it while the server is down.
    fn start_on_a_free_port(&mut self) {
        for attempt in 0..10 {
            let random = RandomState::new().hash_one(attempt) % 12_000;
            self.port = 20_000 + u16::try_from(random).expect("below 12,000");
            if self.start_on(self.port).status.success() {
                return;
            }
            assert!(self.log().contains("could not bind"), "the server did not start: {}", self.log());
        }
        panic!("no free port found in ten attempts: {}", self.log());
    }

    /// Waits until the server takes connections, or has given up.
    fn start_on(&self, port: u16) -> Output {
        let mut start = self.control("start");
        start.arg("--log").arg(self.data.join("log")).arg(format!("--options=-p {port}"));
        start.output().expect("pg_ctl runs")
    }

    fn stop(&self) -> Output {
        self.control("stop").arg("--mode=immediate").output().expect("pg_ctl runs")
    }

    fn control(&self, action: &str) -> Command {
        let mut control = self.program("pg_ctl");
        control.args([action, "--wait", "--timeout=60", "--silent", "--pgdata"]).arg(&self.data);
        control
    }

    /// One of the server's programs, as the user whom the folder belongs to: Postgres does not run as root.
    fn program(&self, name: impl AsRef<OsStr>) -> Command {
        let programs =
            env::var_os("WHYTRACE_TEST_POSTGRES_BIN").expect("the folder of the server's programs");
        let mut program = Command::new(Path::new(&programs).join(name.as_ref()));
        program.stdin(Stdio::null()).current_dir("/");
        if rustix::process::geteuid().is_root() {
            let owner = fs::metadata(&self.folder).expect("the folder of test servers");
            program.uid(owner.uid()).gid(owner.gid());
        }
        program
    }

    fn log(&self) -> String {
        fs::read_to_string(self.data.join("log")).unwrap_or_default()
    }
}

impl Drop for OwnPostgres {
    fn drop(&mut self) {
        if self.data.join("postmaster.pid").exists() {
            self.stop();
        }
        fs::remove_dir_all(&self.data).ok();
    }
}

mod tests {
    use sqlx::{Connection, PgConnection};

    use super::*;

    #[tokio::test]
    async fn what_was_committed_before_a_crash_is_there_after_it_under_the_same_address() {
        let Some(server) = OwnPostgres::start() else { return };
        let mut before = PgConnection::connect(&server.url()).await.unwrap();
        sqlx::query("create table t as select 7::bigint as n").execute(&mut before).await.unwrap();

        server.crash();
        assert!(sqlx::query("select 1").execute(&mut before).await.is_err());
        assert!(PgConnection::connect(&server.url()).await.is_err());

        server.restart();
        let mut after = PgConnection::connect(&server.url()).await.unwrap();
        let n: i64 = sqlx::query_scalar("select n from t").fetch_one(&mut after).await.unwrap();
        assert_eq!(n, 7);
    }
}
