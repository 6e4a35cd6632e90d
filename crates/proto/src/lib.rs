//! The contract between services and with client apps, generated from `proto/`.
//!
//! Each message has its gRPC form (prost), its JSON as the REST API shows it (serde: `snake_case` names, enums as
//! lower snake case strings, timestamps as RFC 3339) and its OpenAPI schema (utoipa), all from the same proto file.

pub mod json;
mod values;

use common::v1::Callers;
pub use prost::Message;
pub use prost_types::{FieldMask, Timestamp};
pub use values::{Invalid, date, moment, timestamp, uuid};

include!(concat!(env!("OUT_DIR"), "/packages.rs"));

/// All proto files as an encoded `FileDescriptorSet`, for gRPC reflection.
pub const DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptor_set.bin"));

/// All gRPC methods by path (`/aipoten.identity.v1.UserService/GetMe`), in its order, with who may call them: any of these.
pub const CALLERS: &[(&str, &[Callers])] = include!(concat!(env!("OUT_DIR"), "/callers.rs"));

/// Who may call the method with this path, as its proto says. Nobody where it says nothing, and where there is no such method.
pub fn callers(path: &str) -> &'static [Callers] {
    CALLERS.binary_search_by_key(&path, |(path, _)| path).map_or(&[], |at| CALLERS[at].1)
}

#[cfg(test)]
mod tests {
    use super::{CALLERS, callers};
    use crate::common::v1::Callers;

    #[test]
    fn every_method_says_who_may_call_it() {
        assert!(CALLERS.len() > 60, "all files are there");
        for (path, rule) in CALLERS {
            assert!(!rule.is_empty() && !rule.contains(&Callers::Unspecified), "{path} names no callers");
            let open = rule.iter().any(|it| matches!(it, Callers::Anyone | Callers::User));
            assert!(!open || rule.len() == 1, "{path}: {rule:?} says less than its widest word");
            assert_eq!(callers(path), *rule, "{path} is found");
        }
    }

    #[test]
    fn nobody_may_call_what_is_not_there() {
        assert!(callers("/aipoten.identity.v1.UserService/Reign").is_empty());
    }
}
