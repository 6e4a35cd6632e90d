//! The contract between services and with client apps, generated from `proto/`.
//!
//! Each message has its gRPC form (prost), its JSON as the REST API shows it (serde: `snake_case` names, enums as
//! lower snake case strings, timestamps as RFC 3339) and its OpenAPI schema (utoipa), all from the same proto file.

pub mod json;
mod values;

pub use prost_types::{FieldMask, Timestamp};
pub use values::{Invalid, date, moment, timestamp, uuid};

include!(concat!(env!("OUT_DIR"), "/packages.rs"));

/// All proto files as an encoded `FileDescriptorSet`, for gRPC reflection.
pub const DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptor_set.bin"));
