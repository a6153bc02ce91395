//! A share as a bar of blocks.

use whytrace::scorecard::Tone;

/// The share, 0..=1, as a bar of so many columns, in eighths of a column.
pub(crate) fn bar(share: f64, columns: usize) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let all = columns * 8;
    let filled = (0..all).take_while(|eighth| share * span(all) >= span(*eighth) + 0.5).count();
    let part = EIGHTHS.get(filled % 8).copied().unwrap_or_default();
    let mut bar = "█".repeat(filled / 8);
    bar.push_str(part);
    let rest = columns - filled.div_ceil(8);
    bar.push_str(&"·".repeat(rest));
    bar
}

/// The same with a mark at another share: `█████··│··`.
pub(crate) fn marked(share: f64, mark: f64, columns: usize) -> String {
    let place = (0..columns).take_while(|column| mark * span(columns) >= span(column + 1)).count();
    let place = place.min(columns.saturating_sub(1));
    bar(share, columns).chars().enumerate().map(|(column, c)| if column == place { '│' } else { c }).collect()
}

/// How a rate of passing is meant.
pub(crate) fn rate_tone(rate: f64) -> Tone {
    match rate {
        high if high >= 0.8 => Tone::Good,
        low if low < 0.5 => Tone::Bad,
        _ => Tone::Notice,
    }
}

fn span(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_stands_where_its_share_ends_and_within_the_bar() {
        for (share, mark, expected) in [
            (0.5, 0.75, "██·│"),
            (0.75, 0.25, "█│█·"),
            (0.5, 1.0, "██·│"),
            (0.5, 0.0, "│█··"),
            (1.0, f64::NAN, "│███"),
        ] {
            assert_eq!(marked(share, mark, 4), expected, "{share} {mark}");
        }
    }

    #[test]
    fn a_bar_is_as_long_as_its_share_and_always_as_wide_as_it_should() {
        for (share, expected) in
            [(0.0, "····"), (0.5, "██··"), (0.53, "██▏·"), (1.0, "████"), (f64::NAN, "····"), (7.0, "████")]
        {
            assert_eq!(bar(share, 4), expected, "{share}");
        }
    }
}
