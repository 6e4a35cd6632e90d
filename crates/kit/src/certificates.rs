//! Whom we believe when we ask somebody outside over TLS.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};

/// TLS for clients of the public internet, with the roots that we ship, so that the machine's own set decides nothing.
pub fn certificates() -> anyhow::Result<ClientConfig> {
    let roots: RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
