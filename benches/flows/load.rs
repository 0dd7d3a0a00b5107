//! A load generator that uses little CPU time: raw HTTP/1.1 over persistent connections.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A connection that sends one request at a time.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

pub struct Response<'a> {
    pub status: u16,
    pub location: Option<String>,
    pub body: &'a [u8],
}

impl Connection {
    pub async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address)
            .await
            .expect("the server accepts connections");
        stream.set_nodelay(true).expect("TCP_NODELAY can be set");

        Self {
            stream,
            buffer: Vec::with_capacity(8192),
        }
    }

    /// Sends a request and reads the response, which must have a `Content-Length`.
    pub async fn send(&mut self, request: &[u8]) -> Response<'_> {
        self.stream
            .write_all(request)
            .await
            .expect("the server reads");

        self.buffer.clear();

        let head = loop {
            assert_ne!(
                self.stream
                    .read_buf(&mut self.buffer)
                    .await
                    .expect("the server answers"),
                0,
                "closed early"
            );

            if let Some(end) = self
                .buffer
                .windows(4)
                .position(|window| window == b"\r\n\r\n")
            {
                break end + 4;
            }
        };

        let text = std::str::from_utf8(&self.buffer[..head]).expect("a head is ASCII");
        let status: u16 = text[9..12].parse().expect("a status");
        let length = text.lines().find_map(content_length).unwrap_or(0);

        let location = (status == 303)
            .then(|| text.lines().find_map(location))
            .flatten();

        while self.buffer.len() < head + length {
            assert_ne!(
                self.stream
                    .read_buf(&mut self.buffer)
                    .await
                    .expect("the server answers"),
                0,
                "closed early"
            );
        }

        Response {
            status,
            location,
            body: &self.buffer[head..head + length],
        }
    }
}

fn content_length(line: &str) -> Option<usize> {
    let (name, value) = line.split_once(':')?;
    name.eq_ignore_ascii_case("content-length")
        .then(|| value.trim().parse().expect("a length"))
}

fn location(line: &str) -> Option<String> {
    let (name, value) = line.split_once(':')?;
    name.eq_ignore_ascii_case("location")
        .then(|| value.trim().to_owned())
}

/// The value of a string member of a flat JSON object.
pub fn member<'a>(json: &'a [u8], name: &str) -> &'a str {
    let json = std::str::from_utf8(json).expect("JSON is UTF-8");
    let key = format!("\"{name}\":\"");
    let start = json
        .find(&key)
        .unwrap_or_else(|| panic!("no {name} in {json}"))
        + key.len();
    let end = json[start..].find('"').expect("a string ends") + start;
    &json[start..end]
}

pub fn get(path: &str, authorization: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {authorization}\r\n\r\n")
        .into_bytes()
}

pub fn post(path: &str, authorization: &str, content_type: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {authorization}\r\nContent-Type: {content_type}\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// The measurements of a run.
pub struct Measured {
    /// The number of completed rounds.
    pub rounds: usize,
    pub took: Duration,
    /// The times of the timed parts of all rounds, sorted.
    pub latencies: Vec<Duration>,
    /// The CPU time of this process without the load generator, in hundredths of a second.
    pub server_cpu: Duration,
}

/// The CPU time that the server's threads have used.
pub struct ServerCpu(Duration);

impl ServerCpu {
    pub fn now() -> Self {
        Self(cpu_of("/proc/self/stat") - cpu_of("/proc/thread-self/stat"))
    }

    pub fn elapsed(&self) -> Duration {
        Self::now().0.saturating_sub(self.0)
    }
}

fn cpu_of(file: &str) -> Duration {
    let stat = std::fs::read_to_string(file).expect("Linux tells the CPU time");
    // The name before it may contain blanks.
    let (_, fields) = stat.rsplit_once(") ").expect("a name");
    let ticks = |index: usize| -> u64 {
        let field = fields.split(' ').nth(index).expect("a field");
        field.parse().expect("a number")
    };

    // User and system time (proc_pid_stat(5)).
    Duration::from_millis((ticks(11) + ticks(12)) * 10)
}

impl Measured {
    pub fn per_second(&self) -> f64 {
        self.rounds as f64 / self.took.as_secs_f64()
    }

    pub fn percentile(&self, percent: f64) -> Duration {
        let index = (self.latencies.len() as f64 * percent / 100.0) as usize;
        self.latencies
            .get(index.min(self.latencies.len().saturating_sub(1)))
            .copied()
            .unwrap_or_default()
    }
}

/// Repeats a round on each connection until the time is up. A round returns the duration of its timed
/// part.
pub async fn repeat<R>(rounds: Vec<R>, duration: Duration) -> Measured
where
    R: AsyncFnMut() -> Duration + 'static,
{
    let cpu = ServerCpu::now();
    let started = Instant::now();
    let deadline = started + duration;
    let tasks: Vec<_> = rounds
        .into_iter()
        .map(|mut round| {
            tokio::task::spawn_local(async move {
                let mut latencies = Vec::new();
                while Instant::now() < deadline {
                    latencies.push(round().await);
                }
                latencies
            })
        })
        .collect();

    let mut latencies = Vec::new();
    for task in tasks {
        latencies.extend(task.await.expect("a round does not panic"));
    }

    latencies.sort_unstable();

    Measured {
        rounds: latencies.len(),
        took: started.elapsed(),
        latencies,
        server_cpu: cpu.elapsed(),
    }
}
