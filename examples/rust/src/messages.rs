//! Messages by their names, for programs that pass them on or that do not know beforehand
//! which ones come.
//!
//! The generated types drop fields that are newer than they are. A [`DynamicMessage`] keeps
//! them, and is read and written as ProtoJSON.

use prost::Message;
use prost_reflect::{DescriptorError, DescriptorPool, DeserializeOptions, DynamicMessage};
use prost_reflect::{MessageDescriptor, SerializeOptions};
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FileDescriptorSet, OneofDescriptorProto};

/// The descriptors of all .proto files, as the build has compiled them.
const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.binpb"));
const PACKAGE: &str = "longwire.v1";

/// The messages of Longwire.
#[derive(Debug, Clone)]
pub struct Messages(DescriptorPool);

impl Messages {
    /// Reads the descriptors.
    ///
    /// # Errors
    /// The descriptors do not fit together.
    pub fn new() -> Result<Self, DescriptorError> {
        let mut files = FileDescriptorSet::decode(DESCRIPTORS).unwrap_or_default();
        let messages = files
            .file
            .iter_mut()
            .flat_map(|file| &mut file.message_type);
        messages.for_each(keep_negative_zeros);
        DescriptorPool::from_file_descriptor_set(files).map(Self)
    }

    /// The message type of this name, without the package.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<MessageDescriptor> {
        self.0.get_message_by_name(&format!("{PACKAGE}.{name}"))
    }
}

/// A message as ProtoJSON with the names of the .proto files.
///
/// # Errors
/// It holds what JSON cannot express.
pub fn to_json(message: &DynamicMessage) -> serde_json::Result<String> {
    let options = SerializeOptions::new().use_proto_field_name(true);
    let mut text = Vec::new();
    let mut serializer = serde_json::Serializer::pretty(&mut text);
    message.serialize_with_options(&mut serializer, &options)?;
    Ok(String::from_utf8(text).expect("JSON is UTF-8"))
}

/// A message from ProtoJSON; fields that are newer than this program are skipped.
///
/// # Errors
/// The text is no such message.
pub fn from_json(descriptor: MessageDescriptor, text: &str) -> serde_json::Result<DynamicMessage> {
    let options = DeserializeOptions::new().deny_unknown_fields(false);
    let mut deserializer = serde_json::Deserializer::from_str(text);
    // The deepest values of the protocol nest deeper in JSON than serde_json allows.
    deserializer.disable_recursion_limit();
    let message =
        DynamicMessage::deserialize_with_options(descriptor, &mut deserializer, &options)?;
    deserializer.end()?;
    Ok(message)
}

/// Has the fields of floating-point numbers tell zero from "not set".
///
/// prost takes -0.0 for the default value, 0.0, and does not write it, though by the rules of
/// protobuf only the zero whose bits are all zero is left out. A field with presence is
/// written as it was read. On the wire nothing else changes.
fn keep_negative_zeros(message: &mut DescriptorProto) {
    message.nested_type.iter_mut().for_each(keep_negative_zeros);
    for field in &mut message.field {
        let is_float = matches!(field.r#type(), Type::Double | Type::Float);
        let is_plain = field.label() != Label::Repeated && field.oneof_index.is_none();
        if is_float && is_plain {
            field.proto3_optional = Some(true);
            field.oneof_index = Some(i32::try_from(message.oneof_decl.len()).expect("few oneofs"));
            message.oneof_decl.push(OneofDescriptorProto {
                name: Some(format!("_{}", field.name())),
                options: None,
            });
        }
    }
}
