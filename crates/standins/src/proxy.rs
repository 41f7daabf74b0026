//! A bare streaming proxy: what any program in front of a model costs at the least. Benches measure it beside the product.
//!
//! Passes method, path, headers and body to one address and streams the answer back. Checks nothing, stores nothing.

use axum::{
    body::Body,
    http::{Request, Response, StatusCode, Uri, header},
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo, TokioTimer},
};
use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, DropGuard};

/// A running proxy. It stops when it is dropped.
pub struct Proxy {
    address: SocketAddr,
    _stop: DropGuard,
}

impl Proxy {
    /// Serves on a port (0 for a free one) in front of `origin`, such as `http://127.0.0.1:4001`.
    pub async fn start(port: u16, origin: &str) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client: Client<HttpConnector, Body> = Client::builder(TokioExecutor::new()).build(connector);
        let origin = origin.trim_end_matches('/').to_owned();
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    () = stopped.cancelled() => return,
                    accepted = listener.accept() => {
                        let Ok((stream, _)) = accepted else { tokio::task::yield_now().await; continue };
                        let (client, origin, closed) = (client.clone(), origin.clone(), stopped.clone());
                        tokio::spawn(async move {
                            tokio::select! {
                                () = closed.cancelled() => {}
                                () = talk(stream, client, origin) => {}
                            }
                        });
                    }
                }
            }
        });
        Ok(Self { address, _stop: stop.drop_guard() })
    }

    /// Such as `http://127.0.0.1:4009`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

async fn talk(stream: TcpStream, client: Client<HttpConnector, Body>, origin: String) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: Request<Incoming>| passed(client.clone(), origin.clone(), request));
    // An error here is a peer that went away.
    let _ = http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service).await;
}

async fn passed(
    client: Client<HttpConnector, Body>,
    origin: String,
    request: Request<Incoming>,
) -> Result<Response<Body>, io::Error> {
    let (mut head, body) = request.into_parts();
    let place = head.uri.path_and_query().map_or("/", |place| place.as_str());
    head.uri = format!("{origin}{place}").parse::<Uri>().map_err(io::Error::other)?;
    head.headers.remove(header::HOST);
    match client.request(Request::from_parts(head, Body::new(body))).await {
        Ok(answer) => Ok(answer.map(Body::new)),
        Err(error) => {
            let mut answer = Response::new(Body::from(error.to_string()));
            *answer.status_mut() = StatusCode::BAD_GATEWAY;
            Ok(answer)
        }
    }
}
