//! Student's t distribution, as far as intervals of 95 % need it.

use super::proportion::Z;

/// The quantile at 0.975 for so many degrees of freedom; infinite for 0. Three digits behind the point are right.
///
/// Exact for 1 to 4, from the tables; beyond, the expansion of M. Abramowitz and I. A. Stegun, "Handbook of
/// Mathematical Functions" (1964), 26.7.5.
pub(super) fn quantile_975(freedom: u64) -> f64 {
    match freedom {
        0 => f64::INFINITY,
        1 => 12.706_204_736,
        2 => 4.302_652_730,
        3 => 3.182_446_305,
        4 => 2.776_445_105,
        _ => {
            let n = freedom as f64;
            let terms = [
                (Z.powi(3) + Z) / 4.0,
                (5.0 * Z.powi(5) + 16.0 * Z.powi(3) + 3.0 * Z) / 96.0,
                (3.0 * Z.powi(7) + 19.0 * Z.powi(5) + 17.0 * Z.powi(3) - 15.0 * Z) / 384.0,
                (79.0 * Z.powi(9) + 776.0 * Z.powi(7) + 1482.0 * Z.powi(5) - 1920.0 * Z.powi(3) - 945.0 * Z)
                    / 92_160.0,
            ];
            terms.iter().rev().fold(0.0, |sum, term| (sum + term) / n) + Z
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (freedom, quantile) in
            [(1, 12.706), (4, 2.776), (5, 2.5706), (6, 2.4469), (10, 2.228), (30, 2.042), (1_000, 1.962)]
        {
            assert!((quantile_975(freedom) - quantile).abs() < 6e-4, "{freedom}: {}", quantile_975(freedom));
        }
    }
}
