//! What a machine finds in the log: spans with their fields.

use serde_json::Value;
use turnstile::gateway::wire::envelope;

use super::cli::{Server, run, turnstile};

#[test]
fn a_request_is_logged_with_its_connection_and_its_own_fields() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = turnstile(folder.path());
    let server = Server::start_with(command.env("RUST_LOG", "turnstile=debug"), &["--log", "json"]);
    let (code, out, err) =
        run(turnstile(folder.path()).args(["token", "--user", "alice", "--platform", "7"]));
    assert_eq!(code, Some(0), "{err}");
    let token = out.trim();
    let folder_path = folder.path().join("said");
    std::fs::write(&folder_path, "a message that is nobody's business\n").unwrap();
    let mut chat = turnstile(folder.path());
    chat.args(["chat", "--url", &server.ws, "--user", "alice", "--to", "bob"]).env("OPENIM_TOKEN", token);
    let (code, _, err) = run(chat.stdin(std::fs::File::open(&folder_path).unwrap()));
    assert_eq!(code, Some(0), "{err}");
    server.signal("-TERM");
    let (code, log) = server.end();
    assert_eq!(code, Some(0), "{log}");

    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let sent = lines
        .iter()
        .find(|line| line["span"]["reqIdentifier"] == envelope::SEND_MSG)
        .unwrap_or_else(|| panic!("no line of a request to send: {log}"));
    assert_eq!((&sent["level"], &sent["fields"]["message"]), (&"DEBUG".into(), &"answered".into()));
    assert_eq!(sent["fields"]["code"], 0);
    assert!(sent["fields"]["seconds"].as_f64().unwrap() > 0.0, "{sent}");
    let request = &sent["span"];
    assert_eq!(request["name"], "request");
    assert_eq!(request["msgIncr"], "alice_2");
    assert!(request["operationID"].as_str().unwrap().starts_with("chat_"), "{sent}");
    let connection = &sent["spans"][0];
    assert_eq!(connection["name"], "connection");
    assert_eq!((&connection["user"], &connection["platform"]), (&"alice".into(), &7.into()));
    assert_eq!(connection["connection"], 1);
    assert!(connection["remote"].as_str().unwrap().starts_with("127.0.0.1:"), "{sent}");

    let gone = lines.iter().find(|line| line["fields"]["message"] == "disconnected").expect(&log);
    assert_eq!((&gone["span"]["user"], &gone["fields"]["why"]), (&"alice".into(), &"bye".into()));
    for secret in [token, token.rsplit('.').next().unwrap(), "nobody's business"] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
}

#[test]
fn nothing_of_a_connection_is_logged_unless_it_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&mut turnstile(folder.path()));
    let mut chat = turnstile(folder.path());
    let (code, _, err) = run(chat.args(["chat", "--url", &server.ws, "--user", "alice", "--to", "bob"]));
    assert_eq!(code, Some(0), "{err}");
    server.signal("-TERM");
    let (_, log) = server.end();
    assert!(log.contains("serving") && !log.contains("alice"), "{log}");
}
