//! A mail server that says what it was told to say.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpSocket, TcpStream};

/// Bytes after which a flood ends that nobody stops.
pub(crate) const FLOOD_MAX: usize = 32 << 20;

/// What happens at one step of the conversation.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Say(&'static str),
    Close,
    Hang,
    /// Says this and goes on, without ever ending the line.
    Flood(&'static str),
}

/// The whole conversation. What is not said about is as usual.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) banner: Step,
    pub(crate) hello: Step,
    pub(crate) auth: Step,
    pub(crate) mail: Step,
    pub(crate) rcpt: Step,
    pub(crate) data: Step,
    /// After the letter; it counts as arrived unless it is refused here.
    pub(crate) end: Step,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            banner: Step::Say("220 fake ESMTP"),
            hello: Step::Say("250-fake\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN"),
            auth: Step::Say("235 welcome"),
            mail: Step::Say("250 ok"),
            rcpt: Step::Say("250 ok"),
            data: Step::Say("354 go on"),
            end: Step::Say("250 2.0.0 queued as 7 for ann@club.example"),
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) connections: usize,
    pub(crate) commands: Vec<String>,
    pub(crate) messages: Vec<String>,
    /// Bytes of floods that were taken from it.
    pub(crate) flooded: usize,
}

#[derive(Clone, Debug)]
pub(crate) struct SmtpServer {
    pub(crate) port: u16,
    script: Arc<Mutex<Script>>,
    seen: Arc<Mutex<Seen>>,
}

impl SmtpServer {
    pub(crate) fn start(script: Script) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        // What is taken from it is not to be mistaken for what the system keeps for it.
        socket.set_send_buffer_size(64 << 10).unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(64).unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = Self { port, script: Arc::new(Mutex::new(script)), seen: Arc::default() };
        let own = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                own.seen.lock().unwrap().connections += 1;
                let own = own.clone();
                tokio::spawn(async move { own.serve(stream).await });
            }
        });
        server
    }

    pub(crate) fn set(&self, script: Script) {
        *self.script.lock().unwrap() = script;
    }

    pub(crate) fn look<T>(&self, look: impl FnOnce(&Seen) -> T) -> T {
        look(&self.seen.lock().unwrap())
    }

    pub(crate) fn messages(&self) -> Vec<String> {
        self.look(|seen| seen.messages.clone())
    }

    fn script(&self) -> Script {
        self.script.lock().unwrap().clone()
    }

    async fn serve(&self, stream: TcpStream) -> Option<()> {
        let mut stream = BufReader::new(stream);
        self.say(&mut stream, &self.script().banner).await?;
        loop {
            let line = read_line(&mut stream).await?;
            self.seen.lock().unwrap().commands.push(line.trim_end().to_owned());
            let script = self.script();
            let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
            let step = match verb.as_str() {
                "EHLO" => script.hello,
                "AUTH" => script.auth,
                "MAIL" => script.mail,
                "RCPT" => script.rcpt,
                "DATA" => {
                    self.say(&mut stream, &script.data).await?;
                    if matches!(script.data, Step::Say(text) if text.starts_with('3')) {
                        let message = read_message(&mut stream).await?;
                        let end = self.script().end;
                        if !matches!(end, Step::Say(text) if !text.starts_with('2')) {
                            self.seen.lock().unwrap().messages.push(message);
                        }
                        self.say(&mut stream, &end).await?;
                    }
                    continue;
                }
                "QUIT" => Step::Close,
                _ => Step::Say("250 ok"),
            };
            self.say(&mut stream, &step).await?;
        }
    }

    async fn say(&self, stream: &mut BufReader<TcpStream>, step: &Step) -> Option<()> {
        match step {
            Step::Say(text) => stream.get_mut().write_all(format!("{text}\r\n").as_bytes()).await.ok(),
            Step::Close => None,
            Step::Hang => std::future::pending().await,
            Step::Flood(text) => self.flood(stream.get_mut(), text).await,
        }
    }

    async fn flood(&self, stream: &mut TcpStream, text: &str) -> Option<()> {
        stream.write_all(text.as_bytes()).await.ok()?;
        while self.look(|seen| seen.flooded) < FLOOD_MAX {
            let taken = stream.write(&[b'x'; 16 << 10]).await.ok()?;
            self.seen.lock().unwrap().flooded += taken;
        }
        std::future::pending().await
    }
}

async fn read_line(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    (stream.read_line(&mut line).await.ok()? > 0).then_some(line)
}

async fn read_message(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut message = String::new();
    loop {
        let line = read_line(stream).await?;
        if line == ".\r\n" {
            return Some(message);
        }
        message.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
}
