//! A web server with a handler, which can lose answers and give others.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// Without the query.
    pub(crate) path: String,
    /// The query, decoded.
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Asked {
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }
}

type Handler = Arc<dyn Fn(&Asked) -> (u16, String) + Send + Sync>;

#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) port: u16,
    handler: Handler,
    asked: Arc<Mutex<Vec<Asked>>>,
    /// The next request of this method and with this in its path is carried out, and not answered.
    lose: Arc<Mutex<Option<(&'static str, &'static str)>>>,
    /// Said instead of carrying out the next requests.
    instead: Arc<Mutex<VecDeque<(u16, String)>>>,
}

impl Server {
    pub(crate) async fn start(handler: impl Fn(&Asked) -> (u16, String) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let handler: Handler = Arc::new(handler);
        let server = Self { port, handler, asked: Arc::default(), lose: Arc::default(), instead: Arc::default() };
        let own = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let own = own.clone();
                tokio::spawn(async move { own.serve(stream).await });
            }
        });
        server
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// The requests of a method with this in their path.
    pub(crate) fn asked_for(&self, method: &str, part: &str) -> Vec<Asked> {
        self.asked().into_iter().filter(|asked| asked.method == method && asked.path.contains(part)).collect()
    }

    pub(crate) fn lose(&self, method: &'static str, part: &'static str) {
        *self.lose.lock().unwrap() = Some((method, part));
    }

    pub(crate) fn say(&self, status: u16, body: &str) {
        self.instead.lock().unwrap().push_back((status, body.to_owned()));
    }

    async fn serve(&self, stream: TcpStream) -> Option<()> {
        let mut stream = BufReader::new(stream);
        let asked = read_request(&mut stream).await?;
        self.asked.lock().unwrap().push(asked.clone());
        let instead = self.instead.lock().unwrap().pop_front();
        let (status, body) = instead.unwrap_or_else(|| (self.handler)(&asked));
        let is_lost = |(method, part): &mut (&str, &str)| asked.method == *method && asked.path.contains(*part);
        if self.lose.lock().unwrap().take_if(is_lost).is_some() {
            return None;
        }
        let length = body.len();
        let head =
            format!("HTTP/1.1 {status} So\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n");
        stream.get_mut().write_all(format!("{head}{body}").as_bytes()).await.ok()
    }
}

async fn read_request(stream: &mut BufReader<TcpStream>) -> Option<Asked> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
        if line.trim_end().is_empty() {
            break;
        }
        lines.push(line.trim_end().to_owned());
    }
    let headers = lines[1..].iter().filter_map(|line| line.split_once(": "));
    let headers: BTreeMap<String, String> =
        headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    let mut line = lines[0].split(' ');
    let (method, target) = (line.next()?.to_owned(), line.next()?);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    Some(Asked { method, path: path.to_owned(), query: fields(query), headers, body: String::from_utf8(body).ok()? })
}

/// The fields of a form, decoded.
pub(crate) fn fields(form: &str) -> BTreeMap<String, String> {
    let pairs = form.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (decoded(name), decoded(value))).collect()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let hex = |rest: &mut std::str::Bytes<'_>| char::from(rest.next().unwrap()).to_digit(16).unwrap();
        match byte {
            b'%' => bytes.push(u8::try_from(hex(&mut rest) * 16 + hex(&mut rest)).unwrap()),
            b'+' => bytes.push(b' '),
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).unwrap()
}
