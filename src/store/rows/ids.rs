/// A UUID as stored: 16 bytes.
pub type IdBytes = Vec<u8>;
