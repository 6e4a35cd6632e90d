//! The two sides of a request, a package or a session.

use aipoten_kit::{Caller, Error, Result, Role};
use uuid::Uuid;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Parent,
    Therapist,
}

impl Side {
    /// `parent` or `therapist`, as in tables.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Parent => "parent",
            Self::Therapist => "therapist",
        }
    }
}

/// The caller as one of the two sides. Whether a row is theirs is asked in its WHERE.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Party {
    pub(crate) user_id: Uuid,
    pub(crate) side: Side,
}

impl Party {
    /// A parent or a therapist; permission denied for others.
    pub(crate) fn of(caller: &Caller) -> Result<Self> {
        let user = caller.user()?;
        let side = match user.role {
            Role::Parent => Side::Parent,
            Role::Therapist => Side::Therapist,
            Role::Admin => return Err(Error::permission_denied()),
        };
        Ok(Self { user_id: user.id, side })
    }
}
