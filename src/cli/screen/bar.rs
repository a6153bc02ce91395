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
    fn a_bar_is_as_long_as_its_share_and_always_as_wide_as_it_should() {
        for (share, expected) in
            [(0.0, "····"), (0.5, "██··"), (0.53, "██▏·"), (1.0, "████"), (f64::NAN, "····"), (7.0, "████")]
        {
            assert_eq!(bar(share, 4), expected, "{share}");
        }
    }
}
