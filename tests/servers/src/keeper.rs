//! Runs a server under a shell that ends it, and removes its folder, once whoever started it is gone.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use crate::within;

/// The shell learns of the end of the test's process by its standard input, which ends in every case, also by SIGKILL.
/// It gives its own output away, so that the output ends when the server and all its children have.
const SCRIPT: &str = r#"
folder=$1; signal=$2; shift 2
"$@" 2>&1 &
server=$!
echo "server $server"
exec >/dev/null 2>&1
read -r word
if [ "$word" != done ]; then
  kill "-$signal" "$server"
  kill -CONT "$server" $(cat "/proc/$server/task/$server/children")
fi
wait "$server"
[ "$word" = done ] || rm -rf "$folder"
"#;

/// How many of the server's last lines are kept to show when it does not start.
const LINES: usize = 40;

/// What is known of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Starting,
    Ready(u32),
    Ended,
}

/// A server that runs, or ran.
pub(crate) struct Keeper {
    shell: Child,
    state: watch::Receiver<State>,
    lines: Arc<Mutex<VecDeque<String>>>,
}

/// How a server is run.
pub(crate) struct Job<'a> {
    /// The command and its arguments.
    pub(crate) command: &'a [String],
    /// The folder that goes with the server.
    pub(crate) folder: &'a Path,
    /// As whom it runs, if as somebody else: user and group.
    pub(crate) user: Option<(u32, u32)>,
    /// What it prints when it serves.
    pub(crate) ready: &'static str,
    /// The signal that ends it at once.
    pub(crate) signal: &'static str,
}

impl Keeper {
    /// Starts the server and waits until it serves. Nothing when it ended instead, with what it said last.
    pub(crate) async fn start(job: Job<'_>) -> Result<Keeper, String> {
        let mut command = Command::new("sh");
        command.args(["-c", SCRIPT, "sh"]).arg(job.folder).arg(job.signal).args(job.command);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        // A group of its own: what ends the test's group, such as Ctrl-C, is not for this shell.
        command.current_dir("/").process_group(0);
        if let Some((user, group)) = job.user {
            command.uid(user).gid(group);
        }
        let mut shell = command.spawn().expect("a shell");
        let output = BufReader::new(shell.stdout.take().expect("its output"));
        let (tell, state) = watch::channel(State::Starting);
        let lines = Arc::<Mutex<VecDeque<String>>>::default();
        let (kept, ready) = (lines.clone(), job.ready);
        // A thread, not a task: the server may be shared by tests, whose runtimes end before it does.
        std::thread::spawn(move || follow(output, ready, &kept, &tell));
        let mut keeper = Keeper { shell, state, lines };
        let started = keeper.state.wait_for(|state| *state != State::Starting);
        drop(within("the start of a server", started).await);
        if keeper.runs() { Ok(keeper) } else { Err(keeper.last_lines()) }
    }

    /// The server's process id.
    fn id(&self) -> Option<u32> {
        match *self.state.borrow() {
            State::Ready(id) => Some(id),
            _ => None,
        }
    }

    /// Whether the server runs.
    pub(crate) fn runs(&self) -> bool {
        self.id().is_some()
    }

    /// What the server said last.
    pub(crate) fn last_lines(&self) -> String {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().map(String::as_str).collect::<Vec<&str>>().join("\n")
    }

    /// Sends a signal to the server, and to its children if they are meant as well.
    pub(crate) fn signal(&self, name: &str, children: bool) {
        let Some(id) = self.id() else { return };
        let mut ids = vec![id.to_string()];
        if children {
            let path = format!("/proc/{id}/task/{id}/children");
            let found = std::fs::read_to_string(path).unwrap_or_default();
            ids.extend(found.split_whitespace().map(str::to_owned));
        }
        // A child may have ended meanwhile, which is no failure.
        let sent = Command::new("kill").arg(format!("-{name}")).args(ids).stderr(Stdio::null()).status();
        sent.expect("kill");
    }

    /// Waits until the server and its children are gone.
    pub(crate) async fn ended(&mut self) {
        let ended = self.state.wait_for(|state| *state == State::Ended);
        drop(within("the end of a server", ended).await);
        self.dismiss();
    }

    /// Lets the shell go without the folder.
    fn dismiss(&mut self) {
        if let Some(mut input) = self.shell.stdin.take() {
            // It may be gone already.
            let _ = input.write_all(b"done\n");
        }
        // A shell that is not waited for stays behind as an entry in the table of processes.
        let _ = self.shell.wait();
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        if self.shell.stdin.take().is_some() {
            // It ends the server and removes the folder, which whoever dropped this may rely on.
            let _ = self.shell.wait();
        }
    }
}

fn follow(output: impl BufRead, ready: &str, kept: &Mutex<VecDeque<String>>, tell: &watch::Sender<State>) {
    let mut id = 0;
    for line in output.lines().map_while(Result::ok) {
        if let Some(number) = line.strip_prefix("server ").and_then(|rest| rest.parse().ok()) {
            id = number;
        } else if line.contains(ready) {
            tell.send_replace(State::Ready(id));
        }
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_back(line);
        if kept.len() > LINES {
            kept.pop_front();
        }
    }
    tell.send_replace(State::Ended);
}
