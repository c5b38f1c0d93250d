//! Bars of text, to an eighth of a column. Pure.

/// One to seven eighths of a column, from the left.
const EIGHTHS: [char; 7] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/// A bar for `value` where `max` takes `width` columns. What is there at all has at least an eighth.
pub(crate) fn bar(value: u64, max: u64, width: usize) -> String {
    let eighths = eighths(value, max, width);
    let mut out = "█".repeat(eighths / 8);
    out.extend(EIGHTHS.get((eighths % 8).wrapping_sub(1)));
    out
}

fn eighths(value: u64, max: u64, width: usize) -> usize {
    if value == 0 || max == 0 {
        return 0;
    }
    let whole = u128::try_from(width).unwrap_or(0) * 8;
    let part = whole * u128::from(value.min(max)) / u128::from(max);
    usize::try_from(part).unwrap_or(usize::MAX).max(1)
}

/// Columns of the parts of a bar of whole columns that is as long as [`bar`] of their sum, rounded up. The largest
/// remainders get the columns that rounding leaves over, so that the parts add up.
pub(crate) fn parts(values: &[u64], max: u64, width: usize) -> Vec<usize> {
    let sum: u64 = values.iter().fold(0, |sum, value| sum.saturating_add(*value));
    let columns = eighths(sum, max, width).div_ceil(8);
    if sum == 0 {
        return vec![0; values.len()];
    }
    let share = |value: u64| u128::from(value) * columns as u128;
    let mut parts: Vec<usize> =
        values.iter().map(|value| usize::try_from(share(*value) / u128::from(sum)).unwrap_or(0)).collect();
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by_key(|index| std::cmp::Reverse(share(values[*index]) % u128::from(sum)));
    let left = columns.saturating_sub(parts.iter().sum());
    for index in order.into_iter().take(left) {
        parts[index] += 1;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_long_as_their_values() {
        let rows = [
            (0, 10, 5, ""),
            (10, 10, 5, "█████"),
            (5, 10, 5, "██▌"),
            (1, 1_000_000, 5, "▏"),
            (7, 8, 1, "▉"),
            (20, 10, 2, "██"),
            (u64::MAX, u64::MAX, 2, "██"),
            (1, 0, 5, ""),
        ];
        for (value, max, width, expected) in rows {
            assert_eq!(bar(value, max, width), expected, "{value} of {max}");
        }
    }

    #[test]
    fn parts_add_up() {
        let rows: [(&[u64], u64, usize, &[usize]); 6] = [
            (&[2, 1], 3, 3, &[2, 1]),
            (&[1, 1, 1], 3, 10, &[4, 3, 3]),
            (&[100, 1], 101, 10, &[10, 0]),
            (&[0, 0], 5, 10, &[0, 0]),
            (&[1], 1_000, 10, &[1]),
            (&[], 5, 10, &[]),
        ];
        for (values, max, width, expected) in rows {
            assert_eq!(parts(values, max, width), expected, "{values:?}");
        }
    }
}
