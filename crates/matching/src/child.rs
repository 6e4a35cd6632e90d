//! What identity says about a child, asked with the parent's own token. No copy is kept.

use std::time::Duration;

use aipoten_kit::{Caller, Error, Line, Reason, Result};
use aipoten_proto::identity::v1::{GetChildSharingRequest, child_service_client::ChildServiceClient};
use uuid::Uuid;

const TIMEOUT: Duration = Duration::from_secs(5);

/// Fails with not found unless the child is the caller's, and with `CONSENT_REQUIRED` unless the caller's consents allow
/// its records to be shared with a therapist.
pub(crate) async fn require_sharing(
    identity: &ChildServiceClient<Line>,
    caller: &Caller,
    child_id: Uuid,
) -> Result<()> {
    let mut request = caller.forward(GetChildSharingRequest { child_id: child_id.to_string() });
    request.set_timeout(TIMEOUT);
    let answer = identity.clone().get_child_sharing(request).await.map_err(|status| match Error::from(status) {
        Error::NotFound(_) => Error::NotFound("child"),
        error => error,
    })?;
    if answer.into_inner().consented {
        return Ok(());
    }
    Err(Error::PermissionDenied(Reason::from("CONSENT_REQUIRED").with("kind", "child_sensitive_data")))
}
