//! Runs the built program in a folder of its own, with only the settings of the test.

use std::io::{Read, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::{JoinHandle, sleep};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

/// The number of polls, a tenth of a second apart, before a test gives up.
const MAX_POLLS: u32 = 3_000;

/// A folder, and the settings of the commands that run in it.
pub struct CommandFolder {
    folder: TempDir,
    settings: Vec<(&'static str, String)>,
}

impl CommandFolder {
    /// An empty folder, and no settings.
    pub fn new() -> Self {
        Self {
            folder: TempDir::with_prefix("wayin-command-").expect("a temporary folder"),
            settings: Vec::new(),
        }
    }

    /// Adds a setting.
    pub fn with_setting(mut self, setting: &'static str, value: impl Into<String>) -> Self {
        self.settings.push((setting, value.into()));
        self
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file to it.
    pub fn write_file(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path().join(name), content).expect("the file is written");
    }

    /// The names of its files, sorted.
    pub fn list_names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.path()).expect("the folder is there");
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// A command with the settings and, of the environment of this process, only the path.
    pub fn new_command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.path())
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .env("TMPDIR", self.path())
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }

    /// Starts `wayin` with captured output.
    pub fn start(&self, arguments: &[&str]) -> RunningProgram {
        let mut command = self.new_command(env!("CARGO_BIN_EXE_wayin"));
        command
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        RunningProgram(Some(command.spawn().expect("the program starts")))
    }

    /// The same with a hard limit of open files.
    #[cfg(unix)]
    pub fn start_with_files(&self, files: usize, arguments: &[&str]) -> RunningProgram {
        let mut command = self.new_command("sh");
        command
            .args(["-c", &format!("ulimit -n {files} && exec \"$0\" \"$@\"")])
            .arg(env!("CARGO_BIN_EXE_wayin"))
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        RunningProgram(Some(command.spawn().expect("the program starts")))
    }

    /// Starts another program without output.
    pub fn start_other(&self, program: &str, arguments: &[&str]) -> RunningProgram {
        let mut command = self.new_command(program);
        command
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        RunningProgram(Some(command.spawn().expect("the program starts")))
    }

    /// Runs `wayin` to its end.
    pub fn run(&self, arguments: &[&str]) -> CommandOutput {
        self.start(arguments).wait(arguments)
    }

    /// Runs `wayin`, which must succeed; returns its output.
    pub fn run_ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.code, Some(0), "wayin {arguments:?}: {output:?}");
        output.out
    }
}

/// The exit code and the output of a command.
#[derive(Debug)]
pub struct CommandOutput {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

/// A process that is killed when the test ends.
pub struct RunningProgram(Option<Child>);

impl RunningProgram {
    /// Its output.
    pub fn stdout(&mut self) -> std::process::ChildStdout {
        let child = self.0.as_mut().expect("it runs");
        child.stdout.take().expect("its output is read once")
    }

    /// Stops it with a signal and waits for its end.
    pub fn stop(self) -> CommandOutput {
        let id = self.0.as_ref().expect("it runs").id().to_string();
        let asked = Command::new("kill").args(["-TERM", &id]).status();
        assert!(asked.expect("kill is there").success(), "it was still running");
        self.wait(&["after it was asked to end"])
    }

    /// Waits for its end.
    fn wait(mut self, what: &[&str]) -> CommandOutput {
        let child = self.0.as_mut().expect("it runs");
        // The output is read while the program runs, because it blocks when the pipe is full.
        let (out, err) = (read_output(child.stdout.take()), read_output(child.stderr.take()));
        for _ in 0..MAX_POLLS {
            let child = self.0.as_mut().expect("it runs");
            if let Some(status) = child.try_wait().expect("it can be asked") {
                return CommandOutput {
                    code: status.code(),
                    out: out.join().expect("its output is text"),
                    err: err.join().expect("its complaints are text"),
                };
            }
            sleep(Duration::from_millis(100));
        }
        panic!("wayin {what:?} does not end");
    }
}

impl Drop for RunningProgram {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Reads the output of a program to its end.
fn read_output(from: Option<impl Read + Send + 'static>) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut said = String::new();
        if let Some(mut from) = from {
            from.read_to_string(&mut said).expect("it prints text");
        }
        said
    })
}

/// Whether a program that a test needs is installed. Prints a note if it is not.
pub fn is_installed(program: &str, arguments: &[&str]) -> bool {
    let found = Command::new(program).args(arguments).output().is_ok();
    if !found {
        eprintln!("Skipped: {program} is not here; Debian's package of the same name has it.");
    }
    found
}

/// A free address of this machine.
pub fn find_free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("it has an address")
}

/// Polls until there is a result.
pub fn poll_until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    for _ in 0..MAX_POLLS {
        if let Some(seen) = look() {
            return seen;
        }
        sleep(Duration::from_millis(100));
    }
    panic!("{what} did not come");
}

/// Posts JSON; returns the status and the body of the response, or none if there is no response.
pub fn post_json(address: SocketAddr, head: &str, body: &str) -> Option<(u16, String)> {
    post_body(address, head, "application/json", body)
}

/// The same to a body of any kind.
pub fn post_body(address: SocketAddr, head: &str, kind: &str, body: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(address).ok()?;
    let length = body.len();
    let request = format!(
        "{head}\r\nHost: {address}\r\nConnection: close\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, body.to_owned()))
}

/// Waits until a service is ready.
pub fn wait_until_ready(address: SocketAddr) {
    poll_until("readiness", || {
        post_json(address, "GET /health/ready HTTP/1.1", "").filter(|(status, _)| *status == 200)
    });
}

/// Sends a GraphQL query to a service.
pub fn query_service(address: SocketAddr, token: &str, query: &str) -> Value {
    let head = format!("POST /graphql HTTP/1.1\r\nAuthorization: Bearer {token}");
    let (_, body) = post_json(address, &head, &json!({ "query": query }).to_string()).expect("it answers");
    serde_json::from_str(&body).unwrap_or_else(|_| panic!("it answers in JSON: {body}"))
}
