//! Who may call which method: the protos say it, and what no proto allows is refused.

use aipoten_proto::common::v1::Callers;

use crate::{Caller, Error, Result, Role};

/// Fails unless the method's proto names the caller.
pub(crate) fn authorize(path: &str, caller: &Caller) -> Result<()> {
    let callers = aipoten_proto::callers(path);
    if callers.iter().any(|it| covers(*it, caller)) {
        return Ok(());
    }
    let known = caller.user.is_some() || caller.service.is_some();
    Err(if callers.is_empty() || known { Error::permission_denied() } else { Error::unauthenticated() })
}

fn covers(callers: Callers, caller: &Caller) -> bool {
    let has_role = |role| caller.user.as_ref().is_some_and(|it| it.role == role);
    match callers {
        Callers::Anyone => true,
        Callers::User => caller.user.is_some(),
        Callers::Parent => has_role(Role::Parent),
        Callers::Therapist => has_role(Role::Therapist),
        Callers::Admin => has_role(Role::Admin),
        Callers::Service => caller.service.is_some(),
        Callers::Unspecified => false,
    }
}

#[cfg(test)]
mod tests {
    use chrono::Utc;
    use uuid::Uuid;

    use super::*;
    use crate::{Service, User};

    fn person(role: Role) -> Caller {
        let (id, session_id) = (Uuid::nil(), Uuid::nil());
        let user = User { id, session_id, role, auth_time: Utc::now(), email_verified: true };
        Caller { user: Some(user), ..Caller::default() }
    }

    fn service() -> Caller {
        let service = Service { name: "notification".to_owned(), callee: "identity".to_owned() };
        Caller { service: Some(service), ..Caller::default() }
    }

    #[test]
    fn whoever_the_proto_names_may_call_and_nobody_else() {
        let out = Err("unauthenticated: UNAUTHENTICATED");
        let no = Err("permission denied: PERMISSION_DENIED");
        let ok = Ok(());
        // By nobody, a parent, a therapist, an administrator, a service.
        let rules = [
            ("/aipoten.identity.v1.KeyService/GetJwks", [ok, ok, ok, ok, ok]),
            ("/aipoten.identity.v1.UserService/GetMe", [out, ok, ok, ok, no]),
            ("/aipoten.identity.v1.ChildService/GetChild", [out, ok, ok, no, no]),
            ("/aipoten.identity.v1.ChildService/UpdateChild", [out, ok, no, no, no]),
            ("/aipoten.identity.v1.UserService/ListUsers", [out, no, no, ok, no]),
            ("/aipoten.identity.v1.RecipientService/GetRecipient", [out, no, no, no, ok]),
            ("/aipoten.identity.v1.UserService/Reign", [no, no, no, no, no]),
        ];
        for (path, expected) in rules {
            let [parent, therapist, admin] = [Role::Parent, Role::Therapist, Role::Admin].map(person);
            let callers = [Caller::default(), parent, therapist, admin, service()];
            let outcome = callers.map(|caller| authorize(path, &caller).map_err(|it| it.to_string()));
            assert_eq!(outcome, expected.map(|it| it.map_err(str::to_owned)), "{path}");
        }
    }
}
