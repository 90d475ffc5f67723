//! Serves the page on this machine only.

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::{Context, Result, anyhow};
use tiny_http::{Header, Method, Request, Response, Server};

use crate::page::{self, Effort, Files};
use crate::{project, say};

/// The first port to try.
const PORT: u16 = 8080;
/// What the page is made of: a change in there builds it again.
const SOURCES: [&str; 5] = ["core", "scenarios", "frontend", "native", "index.html"];

/// `cargo xtask serve`: builds the page, serves it, and builds it again when it is reloaded after a change.
pub(crate) fn page(port: Option<u16>) -> Result<()> {
    let server = listen(port)?;
    let effort = Effort { optimise: false, twin_required: false, first: false };
    let mut built = SystemTime::now();
    let mut files = page::build(effort)?.files;
    say::step(format!(
        "the page is at http://{}/ (a reload shows changes, Ctrl-C ends)",
        server.server_addr()
    ));
    for request in server.incoming_requests() {
        let changed = newest_of(&SOURCES);
        if file_name(request.url()) == page::name::HTML && changed > built {
            built = changed;
            match page::build(effort) {
                Ok(new) => files = new.files,
                Err(error) => say::step(format!("still serving the page as it was: {error:#}")),
            }
            say::step(format!("the page is at http://{}/", server.server_addr()));
        }
        answer(request, &files);
    }
    Ok(())
}

/// Serves files from another thread, on a free port, until the process ends; returns their address.
pub(crate) fn in_background(files: Files) -> Result<String> {
    let server = Arc::new(bound("127.0.0.1:0")?);
    let address = format!("http://{}/", server.server_addr());
    std::thread::spawn(move || {
        for request in server.incoming_requests() {
            answer(request, &files);
        }
    });
    Ok(address)
}

/// Listens on the port asked for, or else on the first free one from [`PORT`] on.
fn listen(port: Option<u16>) -> Result<Server> {
    if let Some(port) = port {
        return bound(&format!("127.0.0.1:{port}"))
            .with_context(|| format!("port {port} cannot be used: choose another with --port"));
    }
    (PORT..PORT + 100)
        .find_map(|port| bound(&format!("127.0.0.1:{port}")).ok())
        .with_context(|| format!("no port from {PORT} on is free: choose one with --port"))
}

fn bound(address: &str) -> Result<Server> {
    let listener = TcpListener::bind(address)?;
    Server::from_listener(listener, None).map_err(|error| anyhow!(error))
}

/// The name of the file that a URL asks for.
fn file_name(url: &str) -> &str {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    match path.trim_start_matches('/') {
        "" => page::name::HTML,
        name => name,
    }
}

/// Sends a file. A browser that has gone away meanwhile is no matter.
fn answer(request: Request, files: &Files) {
    let name = file_name(request.url());
    let response = match (request.method(), files.get(name)) {
        (Method::Get | Method::Head, Some(bytes)) => {
            Response::from_data(bytes.clone()).with_header(header("Content-Type", kind(name)))
        }
        (Method::Get | Method::Head, None) => {
            Response::from_string(format!("no file {name} here\n")).with_status_code(404)
        }
        _ => Response::from_string("only GET and HEAD\n").with_status_code(405),
    };
    let response = response
        .with_header(header("Cache-Control", "no-store"))
        .with_header(header("X-Content-Type-Options", "nosniff"));
    let _ = request.respond(response);
}

fn header(name: &str, value: &str) -> Header {
    Header::from_bytes(name, value).expect("names and values are plain ASCII of ours")
}

fn kind(name: &str) -> &'static str {
    match Path::new(name).extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("wasm") => "application/wasm",
        _ => "application/octet-stream",
    }
}

/// When the newest of these files, and those below these folders, was written.
fn newest_of(paths: &[&str]) -> SystemTime {
    paths.iter().map(|path| newest(&project::path(path))).max().unwrap_or(SystemTime::UNIX_EPOCH)
}

fn newest(path: &Path) -> SystemTime {
    if let Ok(entries) = std::fs::read_dir(path) {
        let below = entries.flatten().map(|entry| newest(&entry.path()));
        return below.max().unwrap_or(SystemTime::UNIX_EPOCH);
    }
    let written = std::fs::metadata(path).and_then(|metadata| metadata.modified());
    written.unwrap_or(SystemTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpStream;

    #[test]
    fn a_url_names_a_file() {
        assert_eq!(file_name("/"), "index.html");
        assert_eq!(file_name("/?s=S01#step"), "index.html");
        assert_eq!(file_name("/boot.js?1"), "boot.js");
    }

    #[test]
    fn a_background_server_answers_and_refuses() {
        let files = Files::from([("daxscope_bg.wasm", b"\0asm".to_vec())]);
        let address = in_background(files).unwrap();
        let host = address.trim_start_matches("http://").trim_end_matches('/');
        let ask = |line: &str| {
            let mut stream = TcpStream::connect(host).unwrap();
            write!(stream, "{line} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            answer
        };
        let found = ask("GET /daxscope_bg.wasm");
        assert!(found.starts_with("HTTP/1.1 200") && found.contains("application/wasm"), "{found}");
        assert!(found.ends_with("\0asm"));
        assert!(ask("GET /../Cargo.toml").starts_with("HTTP/1.1 404"));
        assert!(ask("POST /").starts_with("HTTP/1.1 405"));
    }
}
