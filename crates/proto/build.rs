//! Compiles `proto/` into prost and tonic code and derives the REST shape of every message: its JSON (serde) and its
//! OpenAPI schema (utoipa). What REST needs and a proto file cannot say stands in `aipoten/common/v1/options.proto`.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use prost_reflect::{
    Cardinality, DescriptorPool, DynamicMessage, ExtensionDescriptor, FieldDescriptor, Kind, MessageDescriptor, Value,
};
use tonic_prost_build::Builder;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto");
    println!("cargo::rerun-if-changed={}", root.display());
    let mut compiler = protox::Compiler::new([&root])?;
    compiler.include_imports(true).include_source_info(true).open_files(proto_files(&root)?)?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let descriptor_set = compiler.file_descriptor_set();
    fs::write(out.join("descriptor_set.bin"), compiler.encode_file_descriptor_set())?;

    let rest = Rest::new(compiler.descriptor_pool())?;
    let mut config = tonic_prost_build::Config::new();
    config.enable_type_names();
    rest.derive(tonic_prost_build::configure()).compile_fds_with_config(descriptor_set, config)?;
    fs::write(out.join("packages.rs"), modules(&rest.pool) + &unconsumed(&rest.pool)?)?;
    fs::write(out.join("callers.rs"), callers(&rest.pool)?)?;
    Ok(())
}

fn proto_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(proto_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// `pub mod identity { pub mod v1 { … } }` for every package `aipoten.<domain>.v1`.
fn modules(pool: &DescriptorPool) -> String {
    let packages: HashSet<&str> = pool.files().map(|file| file.package_name().to_owned().leak() as &str).collect();
    let mut domains: Vec<&str> =
        packages.into_iter().filter_map(|package| package.strip_prefix("aipoten.")?.strip_suffix(".v1")).collect();
    domains.sort_unstable();
    let mut code = String::new();
    for domain in domains {
        let _ = write!(
            code,
            "/// Messages and services of {domain}.\npub mod {domain} {{\n    /// Version 1.\n    #[allow(clippy::all, clippy::pedantic, \
             clippy::allow_attributes, clippy::allow_attributes_without_reason, unused_qualifications, \
             reason = \"generated code\")]\n    pub mod v1 {{\n        \
             include!(concat!(env!(\"OUT_DIR\"), \"/aipoten.{domain}.v1.rs\"));\n    }}\n}}\n"
        );
    }
    code
}

/// The events that are marked so.
fn unconsumed(pool: &DescriptorPool) -> Result<String> {
    let option = pool.get_extension_by_name("aipoten.common.v1.unconsumed").ok_or("options.proto has no unconsumed")?;
    let marked = ours(pool).filter(|message| message.options().get_extension(&option).as_bool() == Some(true));
    let names: Vec<_> = marked.map(|message| message.full_name().to_owned()).collect();
    Ok(format!(
        "/// Full names of the events that no service takes in yet: they are written, and not sent.\n\
         pub const UNCONSUMED: &[&str] = &{names:?};\n"
    ))
}

/// `&[("/aipoten.identity.v1.KeyService/GetJwks", &[Callers::Anyone]), …]`, in the order of the paths.
fn callers(pool: &DescriptorPool) -> Result<String> {
    let option = pool.get_extension_by_name("aipoten.common.v1.callers").ok_or("options.proto has no callers")?;
    let mut rules = Vec::new();
    for service in pool.services() {
        for method in service.methods() {
            let options = method.options();
            let callers = options.get_extension(&option);
            let numbers = callers.as_list().unwrap_or_default().iter().filter_map(Value::as_enum_number);
            let variants: Vec<String> = numbers.filter_map(|number| variant(&option.kind(), number)).collect();
            rules.push(format!("(\"/{}/{}\", &[{}]),\n", service.full_name(), method.name(), variants.join(", ")));
        }
    }
    rules.sort_unstable();
    Ok(format!("&[{}]", rules.concat()))
}

/// An enum's variant in the generated code: `Callers::Anyone` for `CALLERS_ANYONE`.
fn variant(kind: &Kind, number: i32) -> Option<String> {
    let enumeration = kind.as_enum()?;
    let value = enumeration.get_value(number)?;
    let words = value.name().strip_prefix(&enumeration.name().to_uppercase())?.split('_').filter(|it| !it.is_empty());
    let name: String = words.map(|word| word[..1].to_owned() + &word[1..].to_lowercase()).collect();
    Some(format!("{}::{name}", enumeration.name()))
}

/// The REST shape of all messages.
struct Rest {
    pool: DescriptorPool,
    /// Full names of the messages that methods are asked with, and of those inside them.
    inward: HashSet<String>,
    beside_body: ExtensionDescriptor,
    required: ExtensionDescriptor,
    format: ExtensionDescriptor,
    bounds: Bounds,
}

impl Rest {
    fn new(pool: DescriptorPool) -> Result<Self> {
        let option = |name: &str| {
            let name = format!("aipoten.common.v1.{name}");
            pool.get_extension_by_name(&name).ok_or(format!("options.proto has no {name}"))
        };
        let (beside_body, required, format) = (option("beside_body")?, option("required")?, option("format")?);
        let bounds = Bounds::new(&pool)?;
        let mut inward = HashSet::new();
        for method in pool.services().flat_map(|service| service.methods().collect::<Vec<_>>()) {
            reach(&method.input(), &mut inward);
        }
        Ok(Self { pool, inward, beside_body, required, format, bounds })
    }

    fn derive(&self, mut builder: Builder) -> Builder {
        for enumeration in self.pool.all_enums().filter(|it| it.full_name().starts_with("aipoten.")) {
            let name = enumeration.full_name();
            builder = builder
                .enum_attribute(name, "#[derive(serde::Serialize, serde::Deserialize, utoipa::ToSchema)]")
                .enum_attribute(name, "#[serde(rename_all = \"snake_case\")]");
            let unspecified = enumeration.default_value();
            builder = builder.field_attribute(format!("{name}.{}", unspecified.name()), "#[serde(skip)]");
        }
        for message in ours(&self.pool) {
            builder = self.derive_message(builder, &message);
        }
        builder
    }

    fn derive_message(&self, mut builder: Builder, message: &MessageDescriptor) -> Builder {
        let name = message.full_name();
        if self.inward.contains(name) {
            builder = builder
                .message_attribute(name, "#[derive(serde::Deserialize, utoipa::ToSchema)]")
                .message_attribute(name, "#[serde(deny_unknown_fields)]");
            if asks_in_query(message) {
                builder = builder
                    .message_attribute(name, "#[derive(utoipa::IntoParams)]")
                    .message_attribute(name, "#[into_params(parameter_in = Query)]");
            }
        } else {
            builder = builder.message_attribute(name, "#[derive(serde::Serialize, utoipa::ToSchema)]");
        }
        for field in message.fields() {
            let path = format!("{name}.{}", field.name());
            for attribute in self.field_attributes(message, &field) {
                builder = builder.field_attribute(&path, attribute);
            }
        }
        builder
    }

    fn field_attributes(&self, message: &MessageDescriptor, field: &FieldDescriptor) -> Vec<String> {
        let inward = self.inward.contains(message.full_name());
        let in_query = inward && asks_in_query(message);
        let mask = matches!(field.kind(), Kind::Message(it) if it.full_name() == "google.protobuf.FieldMask");
        if mask || Self::flag(field, &self.beside_body) {
            let mut skip = vec!["#[serde(skip)]".to_owned(), "#[schema(ignore)]".to_owned()];
            if in_query {
                skip.push("#[param(ignore)]".to_owned());
            }
            return skip;
        }
        let mut schema = Vec::new();
        let mut attributes = Vec::new();
        if inward {
            attributes.push("#[serde(default)]".to_owned());
        }
        if Self::flag(field, &self.required) || !inward {
            schema.push("required = true".to_owned());
        }
        if let Some(shape) = shape(field, inward) {
            attributes.push(shape.serde);
            schema.push(format!("value_type = {}", shape.schema));
        } else if inward && field.supports_presence() && Self::flag(field, &self.required) {
            schema.push(format!("value_type = {}", rust_scalar(&field.kind())));
        }
        if let Some(format) = Self::text(field, &self.format) {
            schema.push(format!("format = {format:?}"));
        } else if is_timestamp(field) {
            schema.push("format = DateTime".to_owned());
        }
        schema.extend(self.bounds.of(field));
        if !schema.is_empty() {
            attributes.push(format!("#[schema({})]", schema.join(", ")));
            if in_query {
                attributes.push(format!("#[param({})]", schema.join(", ")));
            }
        }
        attributes.retain(|it| !it.is_empty());
        attributes
    }

    fn flag(field: &FieldDescriptor, option: &ExtensionDescriptor) -> bool {
        options(field).get_extension(option).as_bool().unwrap_or(false)
    }

    fn text(field: &FieldDescriptor, option: &ExtensionDescriptor) -> Option<String> {
        let options = options(field);
        let value = options.has_extension(option).then(|| options.get_extension(option).into_owned());
        value.as_ref().and_then(Value::as_str).map(str::to_owned)
    }
}

/// The options that say what a service takes, and what they are called in a schema.
struct Bounds {
    text: ExtensionDescriptor,
    line: ExtensionDescriptor,
    plain: Vec<(ExtensionDescriptor, &'static str)>,
}

/// What stands in a text beside line breaks and tabs, and on a line.
const IN_TEXT: &str = r"[^\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F]";
const ON_LINE: &str = r"[^\x00-\x1F\x7F-\x9F]";
/// What a text is not made of alone.
const NOT_BLANK: &str = r"[^\s\x00-\x1F\x7F-\x9F]";

impl Bounds {
    fn new(pool: &DescriptorPool) -> Result<Self> {
        let option = |name: &str| {
            let name = format!("aipoten.common.v1.{name}");
            pool.get_extension_by_name(&name).ok_or(format!("options.proto has no {name}"))
        };
        let named = [
            ("min", "minimum"),
            ("max", "maximum"),
            ("min_length", "min_length"),
            ("max_length", "max_length"),
            ("pattern", "pattern"),
            ("min_items", "min_items"),
            ("max_items", "max_items"),
        ];
        let plain = named.into_iter().map(|(name, schema)| Ok((option(name)?, schema))).collect::<Result<_>>()?;
        Ok(Self { text: option("text")?, line: option("line")?, plain })
    }

    /// As attributes of a schema.
    fn of(&self, field: &FieldDescriptor) -> Vec<String> {
        let options = options(field);
        let value = |option: &ExtensionDescriptor| {
            options.has_extension(option).then(|| options.get_extension(option).into_owned())
        };
        let mut bounds = Vec::new();
        for (option, any) in [(&self.text, IN_TEXT), (&self.line, ON_LINE)] {
            if let Some(most) = value(option).as_ref().and_then(Value::as_u32) {
                let pattern = format!("^{any}*{NOT_BLANK}{any}*$");
                bounds.push(format!("min_length = 1, max_length = {most}, pattern = {pattern:?}"));
            }
        }
        for (option, name) in &self.plain {
            bounds.extend(value(option).map(|value| match value {
                Value::F64(number) => format!("{name} = {number}"),
                Value::U32(number) => format!("{name} = {number}"),
                Value::String(text) => format!("{name} = {text:?}"),
                other => unreachable!("{name} is no {other:?}"),
            }));
        }
        bounds
    }
}

/// Whether the gateway reads the message from query parameters: what only asks has no body.
fn asks_in_query(message: &MessageDescriptor) -> bool {
    ["List", "Get", "Search", "Suggest"].iter().any(|verb| message.name().starts_with(verb))
}

fn options(field: &FieldDescriptor) -> DynamicMessage {
    field.options()
}

fn ours(pool: &DescriptorPool) -> impl Iterator<Item = MessageDescriptor> + '_ {
    pool.all_messages().filter(|message| message.full_name().starts_with("aipoten."))
}

fn reach(message: &MessageDescriptor, found: &mut HashSet<String>) {
    if found.insert(message.full_name().to_owned()) {
        for field in message.fields() {
            if let Kind::Message(inner) = field.kind()
                && inner.full_name().starts_with("aipoten.")
            {
                reach(&inner, found);
            }
        }
    }
}

/// How a field that is no plain scalar becomes JSON, and the type its schema shows.
struct Shape {
    serde: String,
    schema: String,
}

fn shape(field: &FieldDescriptor, inward: bool) -> Option<Shape> {
    let list = field.cardinality() == Cardinality::Repeated;
    // `optional` on a message field says: may be null. Without it an answer always carries the message.
    let nullable = if matches!(field.kind(), Kind::Message(_)) {
        inward || field.containing_oneof().is_some()
    } else {
        field.supports_presence()
    };
    let wrap = |name: &str| match (list, nullable) {
        (true, _) => format!("Vec<{name}>"),
        (_, true) => format!("Option<{name}>"),
        _ => name.to_owned(),
    };
    match field.kind() {
        Kind::Enum(enumeration) => {
            let name = rust_path(enumeration.full_name());
            let module = match (list, field.supports_presence()) {
                (true, _) => "repeated",
                (_, true) => "optional",
                _ => "single",
            };
            let serde = if inward {
                format!("#[serde(deserialize_with = \"crate::json::{module}::deserialize::<{name}, _>\")]")
            } else {
                format!("#[serde(serialize_with = \"crate::json::{module}::serialize::<{name}, _>\")]")
            };
            Some(Shape { serde, schema: wrap(&name) })
        }
        Kind::Message(_) if is_timestamp(field) => {
            let serde = if inward { "deserialize" } else { "serialize" };
            let module = if list { "timestamps" } else { "timestamp" };
            Some(Shape {
                serde: format!("#[serde({serde}_with = \"crate::json::{module}::{serde}\")]"),
                schema: wrap("String"),
            })
        }
        Kind::Message(inner) if list && inward => Some(Shape {
            serde: "#[serde(deserialize_with = \"crate::json::objects::deserialize\")]".to_owned(),
            schema: wrap(&rust_path(inner.full_name())),
        }),
        Kind::Message(inner) if !list => {
            Some(Shape { serde: String::new(), schema: wrap(&rust_path(inner.full_name())) })
        }
        _ => None,
    }
}

fn is_timestamp(field: &FieldDescriptor) -> bool {
    matches!(field.kind(), Kind::Message(it) if it.full_name() == "google.protobuf.Timestamp")
}

fn rust_scalar(kind: &Kind) -> &'static str {
    match kind {
        Kind::Bool => "bool",
        Kind::Int32 => "i32",
        Kind::Int64 => "i64",
        Kind::Double => "f64",
        _ => "String",
    }
}

/// `aipoten.identity.v1.Role` -> `crate::identity::v1::Role`
fn rust_path(full_name: &str) -> String {
    full_name.replacen("aipoten", "crate", 1).replace('.', "::")
}
