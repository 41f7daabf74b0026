//! Real database servers for tests: PostgreSQL and MariaDB with a scratch data folder, on a free port of this machine, gone with
//! their value.
//!
//! Knows the command lines of the two servers. Never touches a server that runs already, nor a data folder it did not make.
//! Start reading at [`Server::start`].

use std::{
    fmt, fs, io,
    net::{Ipv4Addr, TcpListener, TcpStream},
    os::unix::fs::{MetadataExt, chown},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

/// Which server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Postgres,
    MariaDb,
}

impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Kind::Postgres => "PostgreSQL",
            Kind::MariaDb => "MariaDB",
        })
    }
}

/// The password of the account in every address; whoever looks for it in a log finds a leak.
pub const PASSWORD: &str = "canary-of-the-database";
/// How long a server may take to be made or to begin to answer.
const PATIENCE: Duration = Duration::from_secs(60);
/// Debian's account without rights. Both servers refuse to run as root.
const NOBODY: u32 = 65_534;

/// A server that runs, with an empty database `majordomo`. Stopped and removed when it is dropped.
#[derive(Debug)]
pub struct Server {
    kind: Kind,
    folder: PathBuf,
    port: u16,
    process: Option<Child>,
}

impl Server {
    /// Make a data folder and run a server on it. The error says what is missing. The server ends with the calling thread.
    pub fn start(kind: Kind) -> io::Result<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("majordomo-{kind}-{}-{number}", std::process::id()));
        fs::create_dir(&folder)?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let mut server = Self { kind, folder, port, process: None };
        if is_root(&server.folder)? {
            chown(&server.folder, Some(NOBODY), Some(NOBODY))?;
        }
        server.prepare()?;
        server.run()?;
        Ok(server)
    }

    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The address of its database `majordomo`, with the password.
    pub fn url(&self) -> String {
        let scheme = match self.kind {
            Kind::Postgres => "postgres",
            Kind::MariaDb => "mysql",
        };
        format!("{scheme}://majordomo:{PASSWORD}@127.0.0.1:{}/majordomo", self.port)
    }

    /// End the server as a power cut would.
    pub fn kill(&mut self) {
        let Some(mut process) = self.process.take() else { return };
        if self.kind == Kind::Postgres {
            // Its children hold on to the shared memory of a server that is only killed; this is its own way to end at once.
            signal(&process, "QUIT");
        } else {
            let _ = process.kill();
        }
        let _ = process.wait();
    }

    /// Run the server again on the same data and port.
    pub fn run(&mut self) -> io::Result<()> {
        let log = fs::OpenOptions::new().create(true).append(true).open(self.log())?;
        let mut command = match self.kind {
            Kind::Postgres => {
                let mut command = self.command(&tool("postgres")?)?;
                command.arg("-D").arg(self.data()).args(["-p", &self.port.to_string()]).args([
                    "-c",
                    "listen_addresses=127.0.0.1",
                    "-c",
                    "unix_socket_directories=",
                    "-c",
                    "fsync=off",
                    "-c",
                    "full_page_writes=off",
                    "-c",
                    "max_connections=300",
                    "-c",
                    "shared_buffers=16MB",
                ]);
                command
            }
            Kind::MariaDb => {
                let mut command = self.command(&tool("mariadbd")?)?;
                command
                    .arg("--no-defaults")
                    .arg(format!("--datadir={}", self.data().display()))
                    .arg(format!("--socket={}", self.folder.join("socket").display()))
                    .arg(format!("--init-file={}", self.folder.join("accounts.sql").display()))
                    .arg(format!("--port={}", self.port))
                    .args([
                        "--bind-address=127.0.0.1",
                        "--skip-name-resolve",
                        "--innodb-flush-log-at-trx-commit=2",
                        "--innodb-flush-method=nosync",
                        "--innodb-buffer-pool-size=32M",
                        "--innodb-log-file-size=16M",
                        "--max-connections=300",
                    ]);
                command
            }
        };
        self.process = Some(command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?);
        let begun = Instant::now();
        while !self.answers() {
            if let Some(process) = &mut self.process
                && let Some(status) = process.try_wait()?
            {
                return Err(self.failed(&format!("ended with {status}")));
            }
            if begun.elapsed() > PATIENCE {
                return Err(self.failed("does not answer"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Make the data folder, the account and the database.
    fn prepare(&mut self) -> io::Result<()> {
        match self.kind {
            Kind::Postgres => {
                let password = self.folder.join("password");
                fs::write(&password, PASSWORD)?;
                let mut command = self.command(&tool("initdb")?)?;
                command
                    .arg("-D")
                    .arg(self.data())
                    .args(["-U", "majordomo", "--auth=password", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"])
                    .arg(format!("--pwfile={}", password.display()));
                self.done(command)?;
                // A server for nobody but this process, to make one database without a client library.
                let mut command = self.command(&tool("postgres")?)?;
                command.args(["--single", "-D"]).arg(self.data()).arg("postgres");
                let statements = self.folder.join("database.sql");
                fs::write(&statements, "CREATE DATABASE majordomo\n")?;
                command.stdin(fs::File::open(statements)?);
                self.done(command)
            }
            Kind::MariaDb => {
                let accounts = format!(
                    "CREATE DATABASE IF NOT EXISTS majordomo;\n\
                     CREATE USER IF NOT EXISTS majordomo@'%' IDENTIFIED BY '{PASSWORD}';\n\
                     GRANT ALL ON *.* TO majordomo@'%';\n"
                );
                fs::write(self.folder.join("accounts.sql"), accounts)?;
                let mut command = self.command(&tool("mariadb-install-db")?)?;
                command
                    .args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"])
                    .args(["--skip-name-resolve", "--innodb-flush-method=nosync", "--innodb-log-file-size=16M"])
                    .arg(format!("--datadir={}", self.data().display()));
                self.done(command)
            }
        }
    }

    fn done(&self, mut command: Command) -> io::Result<()> {
        let log = fs::OpenOptions::new().create(true).append(true).open(self.log())?;
        let status = command.stdout(log.try_clone()?).stderr(log).status()?;
        if status.success() { Ok(()) } else { Err(self.failed("could not be set up")) }
    }

    /// A command that runs as somebody without rights and ends with the thread that started it, so that a test which is killed
    /// leaves no server behind.
    fn command(&self, program: &Path) -> io::Result<Command> {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", if self.kind == Kind::Postgres { "QUIT" } else { "KILL" }]);
        if fs::metadata(&self.folder)?.uid() == NOBODY && is_root(Path::new("/proc/self"))? {
            command.args(["--reuid", &NOBODY.to_string(), "--regid", &NOBODY.to_string(), "--clear-groups"]);
        }
        command.arg(program).env("LC_ALL", "C.UTF-8").env("HOME", &self.folder).current_dir(&self.folder);
        Ok(command)
    }

    /// Whether it lets clients in. A port alone is open before the server is ready.
    fn answers(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)) else { return false };
        let _ = stream.set_read_timeout(Some(Duration::from_secs(1)));
        let mut first = [0_u8; 1];
        match self.kind {
            // A request for encryption is answered with one letter as soon as connections are taken.
            Kind::Postgres => {
                let request = [0, 0, 0, 8, 4, 210, 22, 47];
                io::Write::write_all(&mut stream, &request).is_ok()
                    && io::Read::read_exact(&mut stream, &mut first).is_ok()
                    && !fs::read_to_string(self.data().join("postmaster.pid")).unwrap_or_default().contains("starting")
            }
            // It greets first.
            Kind::MariaDb => io::Read::read_exact(&mut stream, &mut first).is_ok(),
        }
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    fn failed(&self, what: &str) -> io::Error {
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        let last: Vec<&str> = log.lines().rev().take(8).collect();
        let last: Vec<&str> = last.into_iter().rev().collect();
        io::Error::other(format!("{} {what}: {}", self.kind, last.join("\n")))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn signal(process: &Child, name: &str) {
    let _ = Command::new("kill").args([&format!("-{name}"), &process.id().to_string()]).status();
}

fn is_root(path: &Path) -> io::Result<bool> {
    Ok(fs::metadata(path)?.uid() == 0)
}

/// A program of a server, on the path or where Debian keeps it.
fn tool(name: &str) -> io::Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.extend(["/usr/sbin", "/usr/local/sbin", "/usr/local/bin"].map(PathBuf::from));
    if let Ok(versions) = fs::read_dir("/usr/lib/postgresql") {
        folders.extend(versions.filter_map(|version| Some(version.ok()?.path().join("bin"))));
    }
    let found = folders.into_iter().map(|folder| folder.join(name)).find(|program| program.is_file());
    found.ok_or_else(|| io::Error::other(format!("{name} is not installed")))
}
