//! Files that the reader opens: an image of a device, which boots, or the numbers of a benchmark, which stand beside
//! the steps. The content tells which one it is.

pub(crate) mod numbers;

pub(crate) use numbers::Numbers;

/// A file that was read.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct File {
    pub(crate) name: String,
    pub(crate) content: Content,
}

/// What a file holds.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Content {
    /// The bytes of a device, if there are as many as one has.
    Device(Vec<u8>),
    Json(Json),
    /// Why it could not be read, in words.
    Unreadable(String),
}

/// JSON as the browser has read it.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
}

/// Whether bytes are meant as JSON: an object begins there. No device begins so.
pub(crate) fn is_json(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().first() == Some(&b'{')
}
