//! Who may call which method: the protos say it, and what no proto allows is refused.

use aipoten_proto::common::v1::Callers;

use crate::{Error, Result, Role, User};

/// Fails unless the method's proto names the caller.
pub(crate) fn authorize(path: &str, user: Option<&User>) -> Result<()> {
    let callers = aipoten_proto::callers(path);
    if callers.iter().any(|it| covers(*it, user)) {
        return Ok(());
    }
    Err(if callers.is_empty() || user.is_some() { Error::permission_denied() } else { Error::unauthenticated() })
}

fn covers(callers: Callers, user: Option<&User>) -> bool {
    match callers {
        Callers::Anyone => true,
        Callers::User => user.is_some(),
        Callers::Parent => user.is_some_and(|it| it.role == Role::Parent),
        Callers::Therapist => user.is_some_and(|it| it.role == Role::Therapist),
        Callers::Admin => user.is_some_and(|it| it.role == Role::Admin),
        // No service speaks for itself yet: they ask with the token of a person.
        Callers::Service | Callers::Unspecified => false,
    }
}

#[cfg(test)]
mod tests {
    use chrono::Utc;
    use uuid::Uuid;

    use super::*;

    fn user(role: Role) -> User {
        User { id: Uuid::nil(), session_id: Uuid::nil(), role, auth_time: Utc::now() }
    }

    #[test]
    fn whoever_the_proto_names_may_call_and_nobody_else() {
        let out = Err("unauthenticated: UNAUTHENTICATED");
        let no = Err("permission denied: PERMISSION_DENIED");
        let ok = Ok(());
        // By nobody, a parent, a therapist, an administrator.
        let rules = [
            ("/aipoten.identity.v1.KeyService/GetJwks", [ok, ok, ok, ok]),
            ("/aipoten.identity.v1.UserService/GetMe", [out, ok, ok, ok]),
            ("/aipoten.identity.v1.ChildService/GetChild", [out, ok, ok, no]),
            ("/aipoten.identity.v1.ChildService/UpdateChild", [out, ok, no, no]),
            ("/aipoten.identity.v1.UserService/ListUsers", [out, no, no, ok]),
            ("/aipoten.identity.v1.UserService/Reign", [no, no, no, no]),
        ];
        for (path, expected) in rules {
            let callers = [None, Some(Role::Parent), Some(Role::Therapist), Some(Role::Admin)];
            let outcome = callers.map(|role| authorize(path, role.map(user).as_ref()).map_err(|it| it.to_string()));
            assert_eq!(outcome, expected.map(|it| it.map_err(str::to_owned)), "{path}");
        }
    }
}
