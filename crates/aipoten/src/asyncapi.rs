//! The AsyncAPI document: which events there are, who sends them, who takes them, what is in them. Made of the protos'
//! `events.proto` files and the services' tables of consumers.

use aipoten_events::{Consumers, EXCHANGE};
use anyhow::{Context as _, bail};
use prost_reflect::{DescriptorPool, FieldDescriptor, FileDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value, json};

const DESCRIPTION: &str = "Events between the services, over RabbitMQ. One durable topic exchange; the routing key is the \
full name of the event's message. Each service takes its events from one durable queue, aipoten.<service>; a gateway hears of them \
while it is connected. The body is \
the protobuf message; the schemas show its JSON. Events come at least once and in any order: the id in the headers tells \
copies, aggregate_seq tells which state of the row is newer.";

/// The document as JSON.
pub(crate) fn document() -> anyhow::Result<Value> {
    let services = [
        aipoten_identity::consumers(),
        aipoten_content::consumers(),
        aipoten_matching::consumers(),
        aipoten_billing::consumers(),
        aipoten_notification::consumers(),
    ];
    let (mut channels, mut operations, mut messages) = (Map::new(), Map::new(), Map::new());
    for event in events()? {
        let full_name = event.full_name();
        channels.insert(full_name.to_owned(), channel(full_name));
        // What nobody takes in yet is not sent.
        let sent = !aipoten_proto::UNCONSUMED.contains(&full_name);
        for service in producers(&event, &services)?.into_iter().filter(|_| sent) {
            operations.insert(format!("{service}.send.{full_name}"), operation("send", service, full_name));
        }
        for service in services.iter().filter(|it| it.event_types().any(|taken| taken == full_name)) {
            let service = service.service();
            operations.insert(format!("{service}.receive.{full_name}"), operation("receive", service, full_name));
        }
        if aipoten_gateway::hears().iter().any(|heard| heard == full_name) {
            operations.insert(format!("gateway.receive.{full_name}"), operation("receive", "gateway", full_name));
        }
        messages.insert(full_name.to_owned(), message(&event)?);
    }
    Ok(json!({
        "asyncapi": "3.0.0",
        "info": { "title": "aipoten events", "version": env!("CARGO_PKG_VERSION"), "description": DESCRIPTION },
        "defaultContentType": "application/protobuf",
        "channels": channels,
        "operations": operations,
        "components": { "messages": messages, "schemas": { "Headers": headers() } },
    }))
}

/// The messages of all `events.proto` files, in the order of their names.
fn events() -> anyhow::Result<Vec<MessageDescriptor>> {
    let pool = DescriptorPool::decode(aipoten_proto::DESCRIPTOR_SET).context("the protos are readable")?;
    let files = pool.files().filter(|file| file.name().ends_with("/events.proto"));
    let mut events: Vec<_> = files.flat_map(|file| file.messages().collect::<Vec<_>>()).collect();
    events.sort_by(|one, other| one.full_name().cmp(other.full_name()));
    Ok(events)
}

/// Whose package it is; what is common to all comes from every service.
fn producers<'a>(event: &'a MessageDescriptor, services: &[Consumers]) -> anyhow::Result<Vec<&'a str>> {
    let domain = event.package_name().split('.').nth(1).context("packages are called aipoten.<domain>.v1")?;
    if domain == "common" { Ok(services.iter().map(Consumers::service).collect()) } else { Ok(vec![domain]) }
}

fn channel(full_name: &str) -> Value {
    json!({
        "address": full_name,
        "messages": { "event": { "$ref": format!("#/components/messages/{full_name}") } },
        "bindings": { "amqp": {
            "is": "routingKey",
            "exchange": { "name": EXCHANGE, "type": "topic", "durable": true, "autoDelete": false },
            "bindingVersion": "0.3.0",
        } },
    })
}

fn operation(action: &str, service: &str, full_name: &str) -> Value {
    json!({
        "action": action,
        "channel": { "$ref": format!("#/channels/{full_name}") },
        "tags": [{ "name": service }],
    })
}

fn message(event: &MessageDescriptor) -> anyhow::Result<Value> {
    let mut properties = Map::new();
    for field in event.fields() {
        properties.insert(field.name().to_owned(), property(&field)?);
    }
    let names: Vec<_> = properties.keys().cloned().collect();
    Ok(json!({
        "name": event.full_name(),
        "title": event.name(),
        "description": comment(&event.parent_file(), event.path()),
        "headers": { "$ref": "#/components/schemas/Headers" },
        "payload": { "type": "object", "properties": properties, "required": names },
    }))
}

fn property(field: &FieldDescriptor) -> anyhow::Result<Value> {
    let one = match field.kind() {
        Kind::String => json!({ "type": "string" }),
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::Int32 | Kind::Int64 => json!({ "type": "integer" }),
        Kind::Message(it) if it.full_name() == "google.protobuf.Timestamp" => {
            json!({ "type": "string", "format": "date-time" })
        }
        kind => bail!("{}: an event has no place for {kind:?} yet", field.full_name()),
    };
    let mut schema = if field.is_list() { json!({ "type": "array", "items": one }) } else { one };
    schema["description"] = comment(&field.parent_message().parent_file(), field.path()).into();
    Ok(schema)
}

/// What the proto file says above it.
fn comment(file: &FileDescriptor, path: &[i32]) -> String {
    let source = file.file_descriptor_proto().source_code_info.as_ref();
    let location = source.and_then(|it| it.location.iter().find(|it| it.path == path));
    let lines = location.map(|it| it.leading_comments().lines().map(str::trim).collect::<Vec<_>>());
    lines.unwrap_or_default().join(" ").trim().to_owned()
}

fn headers() -> Value {
    let text = |description: &str| json!({ "type": "string", "description": description });
    json!({
        "type": "object",
        "properties": {
            "id": text("UUID v7 of the event, the same on every copy."),
            "type": text("Full name of the message."),
            "source": text("The service that sent it."),
            "subject": text("The row it is about: kind/id."),
            "time": text("When the transaction began that published it, RFC 3339."),
            "aggregate_seq": { "type": "integer", "description": "Version of that row after the change." },
            "traceparent": text("W3C trace context of the request that caused it."),
            "request_id": text("Id of the request that caused it."),
            "actor": text("UUID of the account that acted."),
        },
        "required": ["id", "type", "source", "subject", "time", "aggregate_seq"],
    })
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::fs;
    use std::path::Path;

    use super::*;

    type Fields = BTreeMap<String, BTreeSet<String>>;

    /// Events and their fields as the files read, without the help of the descriptors.
    fn written() -> Fields {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto/aipoten");
        let mut events = Fields::new();
        for domain in fs::read_dir(root).expect("the protos") {
            let path = domain.expect("a folder").path().join("v1/events.proto");
            let Ok(text) = fs::read_to_string(&path) else { continue };
            let package = text.lines().find_map(|it| it.strip_prefix("package ")).expect("a package");
            let mut event = String::new();
            for line in text.lines().map(str::trim).filter(|line| !line.starts_with("//")) {
                if let Some(name) = line.strip_prefix("message ") {
                    event = format!("{}.{}", package.trim_end_matches(';'), name.trim_end_matches(['{', '}', ' ']));
                    events.insert(event.clone(), BTreeSet::new());
                } else if let Some((declared, _)) = line.split_once(" = ")
                    && !declared.starts_with("option ")
                    && let Some(fields) = events.get_mut(&event)
                {
                    fields.insert(declared.split(' ').next_back().expect("a name").to_owned());
                }
            }
        }
        events
    }

    fn keys(object: &Value) -> BTreeSet<String> {
        object.as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect()
    }

    #[test]
    fn the_document_has_every_event_of_the_proto_files_with_its_fields_and_no_other() {
        let document = document().expect("a document");
        let messages = document["components"]["messages"].as_object().expect("messages");
        let documented: Fields =
            messages.iter().map(|(name, it)| (name.clone(), keys(&it["payload"]["properties"]))).collect();
        assert!(documented.len() >= 3);
        assert_eq!(documented, written());
        assert_eq!(keys(&document["channels"]), documented.into_keys().collect());
    }

    #[test]
    fn everything_in_it_is_explained() {
        let document = document().expect("a document");
        for (name, message) in document["components"]["messages"].as_object().expect("messages") {
            assert!(message["description"].as_str().is_some_and(|it| !it.is_empty()), "{name}");
            for (field, schema) in message["payload"]["properties"].as_object().expect("fields") {
                assert!(schema["description"].as_str().is_some_and(|it| !it.is_empty()), "{name}.{field}");
            }
        }
    }

    #[test]
    fn every_event_that_a_service_takes_is_documented_and_every_event_is_taken_by_some_service() {
        let document = document().expect("a document");
        let operations = document["operations"].as_object().expect("operations");
        let events = |action: &str| -> BTreeSet<&str> {
            let chosen = operations.values().filter(|it| it["action"] == action);
            chosen.filter_map(|it| it["channel"]["$ref"].as_str()?.strip_prefix("#/channels/")).collect()
        };
        let tables = [
            aipoten_identity::consumers(),
            aipoten_content::consumers(),
            aipoten_matching::consumers(),
            aipoten_billing::consumers(),
            aipoten_notification::consumers(),
        ];
        let heard = aipoten_gateway::hears();
        let taken = tables.iter().flat_map(Consumers::event_types).chain(heard.iter().map(String::as_str));
        let taken: BTreeSet<&str> = taken.collect();
        assert_eq!(events("receive"), taken);
        assert_eq!(events("send"), taken, "an event that nobody takes would stay in the outbox unless it is marked");
    }
}
