//! A web server that says what it was told to say.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// Status line and headers, with CRLF between them.
    Say(String),
    /// Reads the request and hangs.
    Hang,
    /// Reads the request and closes.
    Close,
}

#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) line: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
    /// Whether the server keeps it: if it says so, or says nothing.
    pub(crate) is_taken: bool,
}

impl Request {
    /// The body, if it is text.
    pub(crate) fn text(&self) -> &str {
        str::from_utf8(&self.body).unwrap()
    }
}

#[derive(Clone, Debug)]
pub(crate) struct HttpServer {
    pub(crate) port: u16,
    answer: Arc<Mutex<Answer>>,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl HttpServer {
    pub(crate) async fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = Self { port, answer: Arc::new(Mutex::new(answer)), requests: Arc::default() };
        let own = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let own = own.clone();
                tokio::spawn(async move { own.serve(stream).await });
            }
        });
        server
    }

    pub(crate) async fn saying(answer: &str) -> Self {
        Self::start(Answer::Say(answer.to_owned())).await
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/in?x=1", self.port)
    }

    pub(crate) fn set(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    async fn serve(&self, stream: TcpStream) -> Option<()> {
        let mut stream = BufReader::new(stream);
        let mut request = read_request(&mut stream).await?;
        let answer = self.answer.lock().unwrap().clone();
        request.is_taken = !matches!(&answer, Answer::Say(head) if !head.starts_with('2'));
        self.requests.lock().unwrap().push(request);
        match answer {
            Answer::Say(head) => {
                // A body without end: nobody should read it.
                let text = format!("HTTP/1.1 {head}\r\nContent-Length: 999999999\r\n\r\n{{");
                stream.get_mut().write_all(text.as_bytes()).await.ok()?;
                let mut rest = Vec::new();
                stream.read_to_end(&mut rest).await.ok().map(|_| ())
            }
            Answer::Hang => std::future::pending().await,
            Answer::Close => None,
        }
    }
}

async fn read_request(stream: &mut BufReader<TcpStream>) -> Option<Request> {
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
    let mut body = vec![0; headers["content-length"].parse().unwrap()];
    stream.read_exact(&mut body).await.ok()?;
    Some(Request { line: lines[0].clone(), headers, body, is_taken: false })
}
