//! Letters in a directory and on a terminal.

use std::fs;

use boxoffice::notify::{Blame, Letter, Transport};
use boxoffice::transport::{FileTransport, MailComposer, StdoutTransport};

use crate::{letter, told};

fn composer() -> MailComposer {
    MailComposer::new("tickets@club.example").unwrap()
}

#[tokio::test]
async fn each_letter_is_one_file_however_often_it_is_sent() {
    let directory = tempfile::tempdir().unwrap();
    let transport = FileTransport::new(directory.path().join("letters"), composer());
    let letters = ["a", "../../a", "a/b", "A"].map(letter);
    for letter in letters.iter().chain(&letters) {
        assert_eq!(transport.send(letter).await.name(), "ok");
    }
    assert!(fs::read_to_string(transport.path_of(&letters[1].id)).unwrap().contains("To: ann@club.example"));
    let names: Vec<_> =
        fs::read_dir(directory.path().join("letters")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(names.len(), letters.len());
    assert!(names.iter().all(|name| name.extension().is_some_and(|extension| extension == "eml")), "{names:?}");
}

#[tokio::test]
async fn a_directory_that_cannot_be_written_is_tried_again_and_a_letter_that_is_no_mail_is_not() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let transport = FileTransport::new(file.path(), composer());
    assert_eq!(told(&transport.send(&letter("a")).await), ("retry", Some(Blame::Channel)));
    let nobody = Letter { to: "nobody".to_owned(), ..letter("a") };
    assert_eq!(transport.send(&nobody).await.name(), "permanent");
}

#[tokio::test]
async fn letters_on_a_terminal_come_whole_one_after_another() {
    let transport = StdoutTransport::to_writer(Vec::new(), composer());
    let letters: Vec<_> = (0..10).map(|n| letter(&n.to_string())).collect();
    futures_util::future::join_all(letters.iter().map(|letter| transport.send(letter))).await;
    let text = transport.with_writer(|written| String::from_utf8(written.clone()).unwrap());
    assert_eq!(text.matches("At eight.\r\n\r\n").count(), 10);
    assert_eq!(text.matches("Message-ID:").count(), 10);
    assert!(!transport.dedupes() && !format!("{transport:?}").contains("eight"));
}
