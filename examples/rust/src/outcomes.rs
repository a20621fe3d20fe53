//! Counts, shots and amplitudes from the packed forms in which results hold them.

use crate::result::{ResultError, decompress};
use crate::v1::value::Kind;
use crate::v1::{Array, Counts, ElementType, PackedBits, Value};

/// Each outcome as a string of bits with how often it was seen, sorted.
///
/// # Errors
/// [`ResultError::Malformed`].
pub fn counts(counts: &Counts) -> Result<Vec<(String, u64)>, ResultError> {
    let num_bits = counts.num_bits as usize;
    let outcomes: Vec<String> = if !counts.bitstrings.is_empty() {
        counts.bitstrings.clone()
    } else if !counts.outcomes.is_empty() {
        let rows = counts.outcomes.iter().map(|outcome| outcome.to_be_bytes());
        rows.map(|row| bits(&row, num_bits)).collect()
    } else {
        let rows = counts.wide_outcomes.chunks(row_bytes(num_bits));
        rows.map(|row| bits(row, num_bits)).collect()
    };
    if outcomes.len() != counts.counts.len() {
        let (found, expected) = (outcomes.len(), counts.counts.len());
        return Err(malformed(format!(
            "{found} outcomes with {expected} counts"
        )));
    }
    let mut pairs: Vec<_> = outcomes
        .into_iter()
        .zip(counts.counts.iter().copied())
        .collect();
    pairs.sort();
    Ok(pairs)
}

/// The outcome of each shot as a string of bits, in order.
///
/// # Errors
/// [`ResultError::Malformed`], [`ResultError::CompressionUnknown`].
pub fn shots(memory: &PackedBits) -> Result<Vec<String>, ResultError> {
    let num_bits = memory.num_bits as usize;
    let data = decompress(&memory.data, memory.compression)?;
    let rows = data.chunks(row_bytes(num_bits));
    if num_bits > 0 && rows.len() as u64 != memory.num_shots {
        let (found, expected) = (rows.len(), memory.num_shots);
        return Err(malformed(format!("{found} rows for {expected} shots")));
    }
    Ok(rows.map(|row| bits(row, num_bits)).collect())
}

/// The real and imaginary parts of a state or another array of complex numbers; none where
/// the value is something else.
///
/// # Errors
/// [`ResultError::Malformed`], [`ResultError::CompressionUnknown`].
pub fn amplitudes(value: &Value) -> Result<Option<Vec<(f64, f64)>>, ResultError> {
    let array = match &value.kind {
        Some(Kind::QuantumObjectValue(object)) => object.data.as_ref(),
        Some(Kind::ArrayValue(array)) => Some(array),
        _ => None,
    };
    let Some(array) = array else {
        return Ok(None);
    };
    match array.element_type() {
        ElementType::Complex128 => {
            let parts = elements(array)?.into_iter().map(f64::from_le_bytes);
            Ok(Some(pairs(parts.collect())))
        }
        ElementType::Complex64 => {
            let parts = elements(array)?.into_iter().map(f32::from_le_bytes);
            Ok(Some(pairs(parts.map(f64::from).collect())))
        }
        _ => Ok(None),
    }
}

/// The bytes of each part, of which a complex number has two.
fn elements<const BYTES: usize>(array: &Array) -> Result<Vec<[u8; BYTES]>, ResultError> {
    let data = decompress(&array.data, array.compression)?;
    let (parts, rest) = data.as_chunks::<BYTES>();
    let length = array
        .shape
        .iter()
        .try_fold(2_u64, |product, side| product.checked_mul(*side));
    if length != Some(parts.len() as u64) || !rest.is_empty() {
        let (bytes, shape) = (data.len(), &array.shape);
        return Err(malformed(format!("{bytes} bytes in the shape {shape:?}")));
    }
    Ok(parts.to_vec())
}

fn pairs(parts: Vec<f64>) -> Vec<(f64, f64)> {
    let (pairs, _) = parts.as_chunks::<2>();
    pairs.iter().map(|[real, imag]| (*real, *imag)).collect()
}

fn row_bytes(num_bits: usize) -> usize {
    // A row of no bits has no bytes, but pieces of none are not to be had.
    num_bits.div_ceil(8).max(1)
}

/// A big-endian row as characters, the highest bit first: the last byte has bits 7 to 0.
fn bits(row: &[u8], num_bits: usize) -> String {
    let is_set = |bit: usize| {
        let index = row.len().checked_sub(1 + bit / 8);
        index.is_some_and(|index| row[index] >> (bit % 8) & 1 == 1)
    };
    let highest_first = (0..num_bits).rev();
    highest_first
        .map(|bit| if is_set(bit) { '1' } else { '0' })
        .collect()
}

fn malformed(message: String) -> ResultError {
    ResultError::Malformed(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected(pairs: &[(&str, u64)]) -> Vec<(String, u64)> {
        let owned = pairs
            .iter()
            .map(|(bits, count)| ((*bits).to_owned(), *count));
        owned.collect()
    }

    #[test]
    fn counts_are_the_same_in_all_forms() {
        let integers = Counts {
            num_bits: 3,
            outcomes: vec![5, 1],
            counts: vec![3, 7],
            ..Default::default()
        };
        let wide = Counts {
            num_bits: 3,
            wide_outcomes: vec![5, 1],
            counts: vec![3, 7],
            ..Default::default()
        };
        let strings = Counts {
            num_bits: 3,
            bitstrings: vec!["101".to_owned(), "001".to_owned()],
            counts: vec![3, 7],
            ..Default::default()
        };
        for form in [integers, wide, strings] {
            assert_eq!(counts(&form).unwrap(), expected(&[("001", 7), ("101", 3)]));
        }
    }

    #[test]
    fn wide_outcomes_have_their_highest_bit_first() {
        let wide = Counts {
            num_bits: 66,
            wide_outcomes: vec![2, 0, 0, 0, 0, 0, 0, 0, 1],
            counts: vec![4],
            ..Default::default()
        };
        let outcome = format!("1{}1", "0".repeat(64));
        assert_eq!(counts(&wide).unwrap(), expected(&[(&outcome, 4)]));
    }

    #[test]
    fn rows_of_shots_are_big_endian() {
        let memory = PackedBits {
            num_bits: 9,
            num_shots: 2,
            data: vec![1, 2, 0, 128],
            ..Default::default()
        };
        assert_eq!(shots(&memory).unwrap(), ["100000010", "010000000"]);
    }

    #[test]
    fn shots_that_are_missing_are_an_error() {
        let memory = PackedBits {
            num_bits: 9,
            num_shots: 3,
            data: vec![1, 2],
            ..Default::default()
        };
        assert!(matches!(shots(&memory), Err(ResultError::Malformed(_))));
    }

    #[test]
    fn amplitudes_of_both_precisions_are_read() {
        let wide = [0.5_f64, -0.0].map(f64::to_le_bytes).concat();
        let narrow = [0.5_f32, -0.0].map(f32::to_le_bytes).concat();
        let types = [ElementType::Complex128, ElementType::Complex64];
        for (element_type, data) in types.into_iter().zip([wide, narrow]) {
            let array = Array {
                element_type: element_type.into(),
                shape: vec![1],
                data,
                compression: 0,
            };
            let value = Value {
                kind: Some(Kind::ArrayValue(array)),
            };
            let numbers = amplitudes(&value).unwrap().unwrap();
            assert_eq!(format!("{numbers:?}"), "[(0.5, -0.0)]");
        }
    }
}
