//! From the bytes of a result to the message: check, decompress, parse.

use std::borrow::Cow;
use std::io::Read;

use prost::Message;
use ruzstd::decoding::StreamingDecoder;
use sha2::{Digest, Sha256};

use crate::v1;
use crate::v1::{Compression, EncodedResult};

/// Why a result cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ResultError {
    /// It is not what the server has sent.
    #[error("the result was damaged on its way: its SHA-256 differs; fetch it again")]
    Damaged,
    /// It is compressed in a way that is newer than this program.
    #[error("data is compressed in a way (number {0}) that this program does not know")]
    CompressionUnknown(i32),
    /// It is not what it says that it is.
    #[error("the data of the result is malformed: {0}")]
    Malformed(String),
}

/// Reads the result of a job that ran circuits.
///
/// # Errors
/// See [`ResultError`].
pub fn decode_result(encoded: &EncodedResult) -> Result<v1::Result, ResultError> {
    // The digest is of the bytes as they were sent, so it is checked before they are
    // decompressed.
    if Sha256::digest(&encoded.data)[..] != encoded.sha256[..] {
        return Err(ResultError::Damaged);
    }
    let data = decompress(&encoded.data, encoded.compression)?;
    v1::Result::decode(data.as_ref()).map_err(|error| ResultError::Malformed(error.to_string()))
}

/// The bytes of a field that has its `compression` beside it.
///
/// # Errors
/// See [`ResultError`].
pub fn decompress(data: &[u8], compression: i32) -> Result<Cow<'_, [u8]>, ResultError> {
    match Compression::try_from(compression) {
        Ok(Compression::Unspecified) => Ok(Cow::Borrowed(data)),
        Ok(Compression::Zstd) => {
            let malformed = || ResultError::Malformed("it is no Zstandard frame".to_owned());
            let mut decoder = StreamingDecoder::new(data).map_err(|_| malformed())?;
            let mut decompressed = Vec::new();
            decoder
                .read_to_end(&mut decompressed)
                .map_err(|_| malformed())?;
            Ok(Cow::Owned(decompressed))
        }
        Err(_) => Err(ResultError::CompressionUnknown(compression)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(data: Vec<u8>) -> EncodedResult {
        EncodedResult {
            sha256: Sha256::digest(&data).to_vec(),
            data,
            compression: Compression::Unspecified.into(),
        }
    }

    #[test]
    fn result_with_its_digest_is_read() {
        let result = v1::Result {
            job_id: "a job".to_owned(),
            ..Default::default()
        };
        assert_eq!(
            decode_result(&encoded(result.encode_to_vec())).unwrap(),
            result
        );
    }

    #[test]
    fn result_with_another_digest_is_refused() {
        let mut damaged = encoded(vec![1, 2, 3]);
        damaged.data[0] = 9;
        assert!(matches!(decode_result(&damaged), Err(ResultError::Damaged)));
    }

    #[test]
    fn data_compressed_in_an_unknown_way_is_refused() {
        assert!(matches!(
            decompress(&[1], 99),
            Err(ResultError::CompressionUnknown(99))
        ));
    }
}
