//! Looks names up and lets only public addresses through.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::is_public;

/// A name is, also or only, that of an address that is not public.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the name belongs to an address that is not public")]
pub struct NotPublic;

/// Looks a host name up.
pub trait Lookup: Send + Sync {
    /// Its addresses. The port is of no meaning.
    fn addresses<'a>(&'a self, host: &'a str) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>>;
}

/// The machine's own resolver.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemLookup;

impl Lookup for SystemLookup {
    fn addresses<'a>(&'a self, host: &'a str) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move {
            tokio::net::lookup_host((host, 0))
                .await
                .map(Iterator::collect)
        })
    }
}

/// A resolver for `reqwest` that refuses a name unless all of its addresses are public.
#[derive(Clone)]
pub(crate) struct GuardedResolver(pub(crate) Arc<dyn Lookup>);

impl GuardedResolver {
    pub(crate) async fn resolve_name(
        &self,
        host: &str,
    ) -> Result<Vec<SocketAddr>, Box<dyn std::error::Error + Send + Sync>> {
        let addresses = self.0.addresses(host).await?;
        if addresses.iter().all(|address| is_public(address.ip())) {
            Ok(addresses)
        } else {
            Err(NotPublic.into())
        }
    }
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = self.clone();
        Box::pin(async move {
            let addresses = resolver.resolve_name(name.as_str()).await?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}
