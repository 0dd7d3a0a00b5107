//! Somebody whom the server calls: answers what it is told to, and remembers what it was sent.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// Listens on loopback until the test program ends.
#[derive(Clone)]
pub(crate) struct Listener {
    /// `http://127.0.0.1:PORT`.
    pub(crate) address: String,
    answer: Arc<Mutex<(u16, String)>>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Listener {
    /// Answers 200 with nothing at first.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let this = Self {
            address: format!("http://{}", listener.local_addr().unwrap()),
            answer: Arc::new(Mutex::new((200, String::new()))),
            requests: Arc::default(),
        };

        let of_thread = this.clone();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                of_thread.serve(&mut stream);
            }
        });

        this
    }

    pub(crate) fn answer(&self, status: u16, body: impl Into<String>) {
        *self.answer.lock().unwrap() = (status, body.into());
    }

    /// What it was sent so far: head and body.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    fn serve(&self, stream: &mut TcpStream) {
        let mut request = Vec::new();
        let mut buffer = [0; 4096];
        while !is_whole(&request) {
            match stream.read(&mut buffer) {
                Ok(count) if count > 0 => request.extend(buffer.iter().take(count)),
                _ => return,
            }
        }

        let request = String::from_utf8_lossy(&request).into_owned();
        self.requests.lock().unwrap().push(request);

        let (status, body) = self.answer.lock().unwrap().clone();
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
        );
        // Whoever has gone need not hear it.
        let _ = stream.write_all(answer.as_bytes());
    }
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.parse::<usize>().ok())?
    });

    body.len() >= length.unwrap_or_default()
}
