//! A line to a server on this machine that can be cut, and can fall silent.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// The line. It is cut for good when this is dropped.
pub(crate) struct Line {
    address: SocketAddr,
    state: Arc<State>,
}

struct State {
    server: String,
    now: Mutex<Now>,
    changed: Condvar,
}

struct Now {
    condition: Condition,
    ends: Vec<TcpStream>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Condition {
    Whole,
    /// Connections are made, and nothing goes over them until the line is whole again.
    Silent,
    Cut,
    /// As cut, and nobody listens any more.
    Gone,
}

impl Line {
    /// A whole line to a server.
    pub(crate) fn to(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address");
        let now = Mutex::new(Now { condition: Condition::Whole, ends: Vec::new() });
        let state = Arc::new(State { server: server.to_owned(), now, changed: Condvar::new() });
        let listening = Arc::clone(&state);
        thread::spawn(move || {
            for connection in listener.incoming() {
                if listening.now().condition == Condition::Gone {
                    return;
                }
                listening.accept(connection.expect("a connection"));
            }
        });
        Self { address, state }
    }

    /// Where to connect instead of to the server.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends all connections, and every new one at once.
    pub(crate) fn cut(&self) {
        self.state.become_(Condition::Cut);
    }

    /// Holds up whatever is sent.
    pub(crate) fn fall_silent(&self) {
        self.state.become_(Condition::Silent);
    }

    /// Lets everything through again, also what was held up.
    pub(crate) fn mend(&self) {
        self.state.become_(Condition::Whole);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.state.become_(Condition::Gone);
        // So that whoever listens looks up.
        TcpStream::connect(self.address).ok();
    }
}

impl State {
    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn become_(&self, condition: Condition) {
        let mut now = self.now();
        now.condition = condition;
        if matches!(condition, Condition::Cut | Condition::Gone) {
            for end in now.ends.drain(..) {
                end.shutdown(Shutdown::Both).ok();
            }
        }
        self.changed.notify_all();
    }

    fn accept(self: &Arc<Self>, client: TcpStream) {
        let mut now = self.now();
        if now.condition == Condition::Cut {
            return;
        }
        let Ok(server) = TcpStream::connect(&self.server) else { return };
        let of = |stream: &TcpStream| stream.try_clone().expect("another handle");
        now.ends.extend([of(&client), of(&server)]);
        for (from, to) in [(of(&client), of(&server)), (server, client)] {
            let state = Arc::clone(self);
            thread::spawn(move || state.carry(from, to));
        }
    }

    fn carry(&self, mut from: TcpStream, mut to: TcpStream) {
        let mut bytes = [0; 4_096];
        while let Ok(count @ 1..) = from.read(&mut bytes) {
            let is_silent = |now: &mut Now| now.condition == Condition::Silent;
            drop(self.changed.wait_while(self.now(), is_silent).unwrap_or_else(PoisonError::into_inner));
            if to.write_all(&bytes[..count]).is_err() {
                break;
            }
        }
        to.shutdown(Shutdown::Write).ok();
    }
}
